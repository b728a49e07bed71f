#pragma once

// The floor: what a seccomp notification costs on this machine when its receiver does nothing but answer.

#include <cstdint>

#include "kernel_shim/base/result.h"

namespace halfcell::bench {

// Nanoseconds per call of `calls` trapped calls, answered with SYNC_WAKE_UP by this thread, both sides on one
// CPU. Forks a child for it. Errors of fork, seccomp and the listener's ioctls. Blocks for the measurement.
Result<double> measure_bare_notify(std::uint64_t calls);

}  // namespace halfcell::bench
