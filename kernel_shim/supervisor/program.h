#pragma once

// From the words a user typed to everything that is loaded: the program or, for a script, its interpreter,
// and the dynamic linker where the program asks for one. Source: relibc:src/platform/redox/exec.rs execve.

#include <optional>
#include <string>
#include <vector>

#include "kernel_shim/boot/elf.h"
#include "kernel_shim/supervisor/program_file.h"

namespace halfcell::supervisor {

struct Loadable {
    ProgramFile file;
    boot::ElfImage image;
};

struct Program {
    Loadable main;
    std::optional<Loadable> linker;
    std::vector<std::string> arguments;
    std::string process_name;  // a script's own, not its interpreter's
};

// Where a program has to look for files: the guest's root, and what its PATH says.
struct SearchPlace {
    const scheme::DescriptionRef& names;
    const scheme::Caller& caller;
    const WorldOptions& options;
    std::string_view path_variable;
};

// Finds and checks it all. A first word with a slash is a file of the host, any other is looked up along the
// guest's PATH; interpreters and linkers are the guest's. An argument 0 that the guest could not open is
// replaced by the name under which it finds a dynamic program, as its linker looks for it. Blocks for host
// I/O.
Expected<Program, LaunchProblem> find_program(const SearchPlace& place,
                                              const std::vector<std::string>& words);

}  // namespace halfcell::supervisor
