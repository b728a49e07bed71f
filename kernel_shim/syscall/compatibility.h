#pragma once

// What a program made for Redox finds here, as a document: COMPATIBILITY.md is this text.

#include <string>

namespace halfcell::syscall {

// The table of calls with their support, and every deviation with its class, from table.def. Never fails.
[[nodiscard]] std::string compatibility_markdown();

}  // namespace halfcell::syscall
