#pragma once

#include <cstdint>

#include "abi/proc_call.h"
#include "abi/regs.h"

namespace halfcell::schemes::procmgr {

// How a process ended.
struct ExitStatus {
    enum class Kind : std::uint8_t {
        kExited,     // with `code`
        kSignaled,   // by `signal`
        kException,  // its last thread met a fault, `exception`
    };
    Kind kind = Kind::kExited;
    std::uint32_t code = 0;
    std::uint32_t signal = 0;
    abi::Exception exception{};

    static ExitStatus exited(std::uint32_t code) { return {.kind = Kind::kExited, .code = code}; }
    static ExitStatus signaled(std::uint32_t signal) { return {.kind = Kind::kSignaled, .signal = signal}; }
    static ExitStatus faulted(abi::Exception exception) {
        return {.kind = Kind::kException, .exception = exception};
    }

    // As a parent's waitpid sees it: to Redox a fault is an exit with code 1.
    // Source: base:bootstrap/src/procmgr.rs.
    [[nodiscard]] std::int32_t wait_status() const {
        switch (kind) {
            case Kind::kExited:
                return abi::wait_status_exited(code);
            case Kind::kSignaled:
                return abi::wait_status_signaled(signal);
            case Kind::kException:
                break;
        }
        return abi::wait_status_exited(1);
    }
};

}  // namespace halfcell::schemes::procmgr
