#pragma once

// A CPU exception that ended a program, for people and for exit statuses.

#include <cstdint>
#include <string>

#include "abi/regs.h"

namespace halfcell::supervisor {

// "page fault: write to 0x0 (nothing is mapped there)".
[[nodiscard]] std::string describe_exception(const abi::Exception& exception);

// The signal a POSIX kernel sends for an exception vector: SIGSEGV, SIGFPE, SIGILL, SIGTRAP or SIGBUS.
[[nodiscard]] int signal_of_exception(std::uint64_t vector);

}  // namespace halfcell::supervisor
