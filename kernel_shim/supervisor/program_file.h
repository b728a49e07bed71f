#pragma once

// Finds the program a user named and reads it: a host file when the name has a slash, else the first match
// along the guest's PATH.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "kernel_shim/base/result.h"
#include "kernel_shim/scheme/scheme.h"

namespace halfcell::supervisor {

// Why nothing was started: the exit status (125, 126 or 127) and one line for standard error.
struct LaunchProblem {
    int status;
    std::string message;
};

struct ProgramFile {
    std::string name;  // as found
    std::vector<std::byte> bytes;
};

// A file of the host. 127 where it does not exist, 126 where it cannot be read. Blocks for host I/O.
Expected<ProgramFile, LaunchProblem> read_host_program(const std::string& path);

// A file the guest would find: opens PATH's elements through the namespace `root`, as `caller`. 127 where no
// element has it, 126 where the match cannot be read. Blocks for host I/O.
Expected<ProgramFile, LaunchProblem> read_guest_program(const scheme::DescriptionRef& root,
                                                        const scheme::Caller& caller, const std::string& name,
                                                        std::string_view path_variable);

}  // namespace halfcell::supervisor
