#pragma once

// Memory of a server's that clients may map: whole pages, zero at first, shared with whoever maps them.

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "userland/rt/result.h"

namespace halfcell::server {

class Pages {
  public:
    // At least `size` bytes, in whole pages. ENOMEM, EINVAL (no bytes).
    static userland::Result<Pages> allocate(std::uint64_t size);

    Pages(Pages&& other) noexcept
        : bytes_(std::exchange(other.bytes_, {})), file_(std::exchange(other.file_, -1)) {}
    Pages& operator=(Pages&& other) noexcept {
        std::swap(bytes_, other.bytes_);
        std::swap(file_, other.file_);
        return *this;
    }
    // Clients keep what they have mapped.
    ~Pages();

    [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }
    [[nodiscard]] std::uint64_t size() const { return bytes_.size(); }
    // In a Linux process: the file they are, for the supervisor to map; -1 in a guest.
    [[nodiscard]] int file() const { return file_; }

  private:
    Pages(std::span<std::byte> bytes, int file) : bytes_(bytes), file_(file) {}

    std::span<std::byte> bytes_;
    int file_ = -1;
};

}  // namespace halfcell::server
