#pragma once

// Starts a program with the userland contract around it.

#include <string>
#include <vector>

#include "kernel_shim/supervisor/parts.h"
#include "kernel_shim/supervisor/program_file.h"

namespace halfcell::supervisor {

// From words to a running process. `terminal`: the guest's, null where it gets the host's files. Blocks for
// host I/O.
Expected<schemes::procmgr::Pid, LaunchProblem> launch(World::Parts& parts,
                                                      const std::vector<std::string>& words,
                                                      const schemes::PtyScheme::Hosted* terminal);

}  // namespace halfcell::supervisor
