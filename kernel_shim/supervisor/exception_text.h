#pragma once

// A CPU exception that ended a program, for people and for exit statuses.

#include <string>

#include "abi/regs.h"

namespace halfcell::supervisor {

// "page fault: write to 0x0 (nothing is mapped there)".
[[nodiscard]] std::string describe_exception(const abi::Exception& exception);

}  // namespace halfcell::supervisor
