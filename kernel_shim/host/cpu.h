#pragma once

// Which CPUs we may run on, and putting a thread on one of them.

#include <sys/types.h>

#include <vector>

namespace halfcell::host {

// The CPUs this process was allowed when asked, ascending; never empty.
[[nodiscard]] std::vector<int> allowed_cpus();

// The CPU the calling thread runs on now; it may be another one at the next instruction unless pinned.
[[nodiscard]] int current_cpu();

// Pins a thread (0: the calling one) to one CPU. False when the host refuses or the thread is gone: pinning
// makes things fast, nothing depends on it.
bool pin_thread(pid_t thread, int cpu);

}  // namespace halfcell::host
