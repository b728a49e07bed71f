#pragma once

// A copy of this program as a process of its own, for tests that need two. Source:
// relibc:redox-rt/src/proc.rs fork_inner.

#include <cstdint>

#include "userland/rt/syscall.h"

namespace halfcell::userland {

// A running child process; what it is asked is its exit status.
struct Child {
    std::uint64_t pid = 0;
};

// Runs entry(argument) in a copy of this process and ends it with that status. Memory is a copy from now on,
// descriptors are shared. The entry may use neither threads nor exit_program. Errors are the process
// manager's.
Result<Child> start_child(int (*entry)(void* argument), void* argument);

// Blocks until it has ended; the status is 256 and more where it was killed.
Result<int> wait_for(Child child);

// Ends it at once.
Result<void> kill(Child child);

}  // namespace halfcell::userland
