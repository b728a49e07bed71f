#pragma once

// Programs that begin with "#!". Source: relibc:src/platform/redox/exec.rs parse_interpreter.

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "kernel_shim/base/result.h"

namespace halfcell::boot {

struct ScriptLine {
    std::string interpreter;
    // The rest of the line, blanks inside it included; one argument, or none.
    std::optional<std::string> argument;
};

// The first line of a script, nullopt where `file` is none. ENOEXEC where it names no interpreter or holds a
// NUL, E2BIG above PATH_MAX (4096). A line ends at a newline or, unlike upstream, with the file.
[[nodiscard]] Result<std::optional<ScriptLine>> parse_script(std::span<const std::byte> file);

// Whether a program that begins with `head` is one that others open by its name: a script, whose interpreter
// reads it, or a dynamic program, which its linker maps. A glance, not a check; `head` may be cut anywhere.
[[nodiscard]] bool is_opened_by_name(std::span<const std::byte> head);

}  // namespace halfcell::boot
