#pragma once

// The bytes of one file in memory: pages that exist once they are written to. Not locked; the file is.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>

#include "kernel_shim/base/result.h"
#include "schemes/memfs/budget.h"

namespace halfcell::memfs {

class Content {
  public:
    // Starts with bytes that live elsewhere for ever (an embedded program); they are copied on the first
    // change only, and count against the budget from then on.
    Content(std::shared_ptr<Budget> budget, std::span<const std::byte> fixed);
    Content(const Content&) = delete;
    Content& operator=(const Content&) = delete;
    ~Content();

    [[nodiscard]] std::uint64_t size() const { return size_; }
    // Bytes that count against the budget.
    [[nodiscard]] std::uint64_t allocated() const { return pages_.size() * kPageBytes; }

    // Copies what there is from `offset` on; returns the count.
    [[nodiscard]] std::uint64_t read(std::uint64_t offset, std::span<std::byte> to) const;
    // Returns the count, short where the budget ran out on the way. ENOSPC for the first byte, EFBIG past
    // 2^63 - 1.
    Result<std::uint64_t> write(std::uint64_t offset, std::span<const std::byte> from);
    // What is new reads as zero. EFBIG; ENOSPC.
    Result<void> resize(std::uint64_t size);

  private:
    static constexpr std::uint64_t kPageBytes = 4096;
    using Page = std::array<std::byte, kPageBytes>;

    Result<void> unfix();
    Result<Page*> page_for_writing(std::uint64_t index);

    const std::shared_ptr<Budget> budget_;
    std::span<const std::byte> fixed_;  // the whole content while it is not empty
    std::uint64_t size_;
    std::unordered_map<std::uint64_t, std::unique_ptr<Page>> pages_;
};

}  // namespace halfcell::memfs
