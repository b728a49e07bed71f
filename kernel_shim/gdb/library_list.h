#pragma once

// The shared libraries of a process: the list its dynamic linker keeps for debuggers, found by way of the
// auxiliary vector and the dynamic section (DT_DEBUG).
//
// gdb can do that itself, but not with relibc's: there, DT_DEBUG leads to a lock with the list's head behind
// it. Source: relibc:src/ld_so/debug.rs _r_debug, relibc:src/ld_so/dso.rs.

#include <string>

#include "kernel_shim/gdb/target.h"

namespace halfcell::gdb {

// As gdb's qXfer:libraries-svr4 has it; an empty list where there is no linker, or it has not begun yet.
// ESRCH.
[[nodiscard]] Result<std::string> library_list_xml(Target& target, std::uint64_t process);

// Text as an attribute or the content of an element.
[[nodiscard]] std::string xml_text(std::string_view text);

}  // namespace halfcell::gdb
