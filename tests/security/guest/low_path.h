#pragma once

// The first argument as text below 4 GiB, where 32-bit code can name it.

#include <cstddef>

#include "tests/security/guest/world.h"

namespace halfcell::attack {

inline std::uint32_t low_path() {
    static char text[512];
    const char* const from = text_argument(0);
    for (std::size_t at = 0; at + 1 < sizeof text && from[at] != 0; ++at)
        text[at] = from[at];
    return static_cast<std::uint32_t>(word(text));
}

// 32-bit code: creat(ebx, 0644) by int 0x80, then _exit(0), and where that fails ud2.
extern "C" const std::byte attack_compat_code[];

}  // namespace halfcell::attack
