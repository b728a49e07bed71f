#pragma once

// The Linux side of address spaces: one process with an agent per machine.

#include <memory>

#include "kernel_shim/base/result.h"
#include "kernel_shim/machine/machine.h"

namespace halfcell::agent {

// Starts the zygote and the reaper. Call it once, on the main thread, which must live as long as the
// process; before other threads exist if that is possible (a fork of a process with threads works, it only
// copies more). The factory must outlive its machines, and a machine the threads it started. EAGAIN, ENOMEM,
// EMFILE, ENFILE; the doctor says which part of the host is missing.
Result<std::unique_ptr<machine::MachineFactory>> create_machine_factory();

}  // namespace halfcell::agent
