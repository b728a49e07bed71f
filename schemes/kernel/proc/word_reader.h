#pragma once

#include <bit>
#include <cstdint>

#include "kernel_shim/mem/user_slice.h"

namespace halfcell::schemes::proc {

// The machine words of a buffer, one after the other; a partial word at the end does not count.
// Source: kernel:src/syscall/usercopy.rs usizes.
class WordReader {
  public:
    explicit WordReader(const mem::UserIn& from) : from_(from) {}

    [[nodiscard]] bool at_end() const { return from_.size() - offset_ < sizeof(std::uint64_t); }
    // EINVAL at the end, EFAULT.
    Result<std::uint64_t> next() {
        if (at_end()) return fail(Errno::kEINVAL);
        std::uint64_t word = 0;
        TRY(from_.read(offset_, std::as_writable_bytes(std::span(&word, 1))));
        offset_ += sizeof word;
        return word;
    }
    // Bytes consumed.
    [[nodiscard]] std::uint64_t consumed() const { return offset_; }

  private:
    const mem::UserIn& from_;
    std::uint64_t offset_ = 0;
};

}  // namespace halfcell::schemes::proc
