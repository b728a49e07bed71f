#pragma once

// The options that several commands have in common. What they fill outlives the parsing.

#include "kernel_shim/supervisor/command_line.h"
#include "kernel_shim/supervisor/options.h"

namespace halfcell::supervisor {

// What run, trace, gdb and boot have: the guest's surroundings, and what halfcell gives up. Asks the host for
// its limits.
void add_world_options(CLI::App& app, WorldOptions& world);

// What run and trace have, too: boot has nobody a control socket could ask.
void add_control_options(CLI::App& app, ControlOptions& control);

}  // namespace halfcell::supervisor
