#pragma once

// Runs part of a probe in a fork, so that what it does to the process is undone by its end.

#include <functional>

namespace halfcell::doctor {

// Returns what `body` returns (0 for success, else a Linux errno below 128), ETIMEDOUT when it takes more
// than five seconds, EFAULT when a signal ends it, or the errno of fork(2). Blocks until then.
int in_child(const std::function<int()>& body);

}  // namespace halfcell::doctor
