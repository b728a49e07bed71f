#pragma once

// Which CPUs we may run on, and putting a thread on one of them.

#include <sys/types.h>

#include <span>
#include <vector>

namespace halfcell::host {

// The CPUs this process was allowed when asked, ascending; never empty.
[[nodiscard]] std::vector<int> allowed_cpus();

// The CPU the calling thread runs on now; it may be another one at the next instruction unless pinned.
[[nodiscard]] int current_cpu();

// Pins a thread (0: the calling one) to one CPU. False when the host refuses or the thread is gone: pinning
// makes things fast, nothing depends on it.
bool pin_thread(pid_t thread, int cpu);

// Lets a thread run on any of `cpus` again; false as above. It stays where it is until Linux finds it a
// better place.
bool release_thread(pid_t thread, std::span<const int> cpus);

}  // namespace halfcell::host
