#pragma once

// A host file as memory: what MAP_SHARED shows. Coherent with reads and writes through the page cache.

#include <memory>
#include <utility>

#include "kernel_shim/base/result.h"
#include "kernel_shim/machine/memory_object.h"

namespace halfcell::file {

class HostFileMemory final : public machine::MemoryObject {
  public:
    // `owner` keeps `file` open.
    HostFileMemory(std::shared_ptr<const void> owner, int file, std::uint64_t offset, std::uint64_t size)
        : owner_(std::move(owner)), file_(file), offset_(offset), size_(size) {}

    [[nodiscard]] std::uint64_t size() const override { return size_; }
    [[nodiscard]] machine::Backing backing() const override { return {file_, offset_}; }
    // None: another process may cut the file short, and then touching its pages would fault.
    [[nodiscard]] std::byte* direct() const override { return nullptr; }
    // Bytes behind the end of the file read as zero.
    Result<void> read(std::uint64_t offset, std::span<std::byte> to) const override;
    // Never lengthens the file: what lies behind its end is dropped, as the tail of a mapped page is.
    Result<void> write(std::uint64_t offset, std::span<const std::byte> from) override;

  private:
    const std::shared_ptr<const void> owner_;
    const int file_;
    const std::uint64_t offset_;
    const std::uint64_t size_;
};

}  // namespace halfcell::file
