#pragma once

// Descriptors with the path of what they lead to, for traces: 3</scheme/file/etc/passwd>.

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "kernel_shim/base/text.h"
#include "kernel_shim/syscall/frame.h"

namespace halfcell::syscall {

// Remembers what schemes said about their handles, so that a handle is asked for its path once. One for each
// thread that traces; not shared.
class FdPaths {
  public:
    // The number, and the path where it is open. Asks the scheme on the first sight of a handle.
    void append(TextWriter& to, const Call& call, std::uint64_t fd);

    // Files were renamed: from now on, all threads ask again.
    static void forget_all() { generation_.fetch_add(1, std::memory_order_relaxed); }

  private:
    struct Entry {
        SchemeId scheme;
        HandleNumber handle;
        std::uint64_t generation = 0;  // 0: empty
        std::size_t size = 0;
        std::array<char, 120> text;
    };
    std::string_view path_of(const Call& call, const scheme::FileDescription& description);

    static inline std::atomic<std::uint64_t> generation_{1};
    std::array<Entry, 32> entries_{};
};

}  // namespace halfcell::syscall
