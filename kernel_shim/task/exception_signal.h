#pragma once

// The signal a POSIX kernel sends for a CPU exception. Redox's sends none: it ends the context. Whoever
// reports such an end to people, or stops there for a debugger, speaks of signals all the same.

#include <cstdint>

#include "abi/sigabi.h"

namespace halfcell::task {

[[nodiscard]] constexpr std::uint32_t signal_of_exception(std::uint64_t vector) {
    switch (vector) {
        case 0:
        case 16:
        case 19:
            return abi::Signal::kFpe;
        case 1:
        case 3:
            return abi::Signal::kTrap;
        case 6:
        case 7:
            return abi::Signal::kIll;
        case 17:
            return abi::Signal::kBus;
        default:
            return abi::Signal::kSegv;
    }
}

}  // namespace halfcell::task
