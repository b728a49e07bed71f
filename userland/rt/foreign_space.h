#pragma once

// An address space that nobody runs in yet, built from outside. Source: relibc:redox-rt/src/proc.rs.

#include <cstdint>
#include <span>

#include "userland/rt/syscall.h"

namespace halfcell::userland {

inline constexpr std::uint64_t kPage = abi::Limits::kPageSize;

constexpr std::uint64_t page_start(std::uint64_t address) {
    return address & ~(kPage - 1);
}
constexpr std::uint64_t page_end(std::uint64_t address) {
    return page_start(address + kPage - 1);
}

// Memory of a foreign space, mapped here for writing while this lives.
class Window {
  public:
    Window(std::byte* base, std::size_t size) : base_(base), size_(size) {}
    Window(Window&& other) noexcept : base_(other.base_), size_(other.size_) { other.base_ = nullptr; }
    Window& operator=(Window&&) = delete;
    ~Window() {
        if (base_ != nullptr) (void)unmap(base_, size_);
    }
    std::span<std::byte> bytes() const { return {base_, size_}; }

  private:
    std::byte* base_;
    std::size_t size_;
};

class ForeignSpace {
  public:
    // A new and empty one.
    static Result<ForeignSpace> create();
    // The one that an "addrspace" handle is for.
    explicit ForeignSpace(UniqueFd fd) : fd_(std::move(fd)) {}

    Fd fd() const { return fd_.fd(); }

    // Maps fresh memory; address 0 means anywhere. flags: abi::MapFlags. Returns where it is.
    Result<std::uint64_t> map(std::uint64_t address, std::uint64_t size, std::uint64_t flags);

    // Whole pages from `address` on, writable here whatever they are there.
    Result<Window> window(std::uint64_t address, std::uint64_t size) const;

    // Copies bytes to `address`, which must be mapped.
    Result<void> write(std::uint64_t address, std::span<const std::byte> bytes) const;

  private:
    UniqueFd fd_;
};

}  // namespace halfcell::userland
