#pragma once

// Keys of the (key, value) words that follow the environment on a program's initial stack. A descriptor that
// is not there is ~0; the _HI halves are used on 32-bit machines only. Source: relibc:redox-rt/src/proc.rs.

#include <cstddef>
#include <cstdint>

namespace halfcell::abi {

#define HALFCELL_GROUP_BEGIN(group, width) \
    struct group {                         \
        using Bits = width;
#define HALFCELL_CONSTANT(group, rust_name, name, value) static constexpr Bits name = value;
#define HALFCELL_GROUP_END(group) \
    }                             \
    ;
#include "abi/auxv.def"

struct AuxvEntry {
    std::uint64_t key;
    std::uint64_t value;
};

}  // namespace halfcell::abi
