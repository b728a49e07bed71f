#pragma once

// What a tracer reads when its tracee stops or does something it asked to hear of. Causes are PtraceFlags
// (flags.h). Source: redox_syscall 0.7.4, src/data.rs.

#include <cstddef>
#include <cstdint>

#include "abi/flags.h"

namespace halfcell::abi {

struct PtraceEvent {
    std::uint64_t cause;  // PtraceFlags
    std::uint64_t a;      // a..f depend on the cause
    std::uint64_t b;
    std::uint64_t c;
    std::uint64_t d;
    std::uint64_t e;
    std::uint64_t f;
};

}  // namespace halfcell::abi
