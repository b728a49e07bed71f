#pragma once

// What processes and threads cost a Linux program on this machine.

#include <cstddef>
#include <cstdint>

#include "kernel_shim/base/result.h"

namespace halfcell::bench {

// Nanoseconds per fork, exit of the child and wait, of a process with `size` bytes of memory that it touches
// before every fork (not counted). ENOMEM, EAGAIN. Blocks.
Result<double> measure_native_fork(std::size_t size, std::uint64_t rounds);

// Nanoseconds per start and join of a thread that does nothing. EAGAIN. Blocks.
Result<double> measure_native_thread(std::uint64_t rounds);

}  // namespace halfcell::bench
