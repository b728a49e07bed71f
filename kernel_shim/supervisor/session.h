#pragma once

// `halfcell session`: a prompt whose lines each run one program, all in the same world, so that what one
// leaves in the in-memory root the next one finds.

#include "kernel_shim/supervisor/world.h"

namespace halfcell::supervisor {

// Reads lines until end of input or `exit`; the status of the last program. Blocks.
int run_session(World& world);

}  // namespace halfcell::supervisor
