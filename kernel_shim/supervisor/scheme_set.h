#pragma once

// Which schemes a world has, and under which names its programs find them.

#include <string>

#include "kernel_shim/supervisor/parts.h"

namespace halfcell::supervisor {

// The kernel's own schemes, under their fixed ids.
void install_kernel(World::Parts& parts);

// Everything else a program may open: files, devices, processes, and the namespace that names them all. The
// error is one line for the user.
Expected<void, std::string> install_userland(World::Parts& parts);

}  // namespace halfcell::supervisor
