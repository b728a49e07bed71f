#pragma once

// Making a process of this one. Source: relibc:redox-rt/src/proc.rs fork_impl.

#include <cstdint>

#include "userland/rt/result.h"

namespace halfcell::userland {

// Returns 0 in the child, and in the parent the child's process id. The child has a copy of the memory and of
// the descriptor table, and the calling thread only. EAGAIN, ENOMEM and what else the kernel refuses with;
// nothing of the child is left then.
Result<std::uint32_t> fork_process();

}  // namespace halfcell::userland
