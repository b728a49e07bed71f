#pragma once

// What the control socket costs, and what it costs the guests.

#include <cstdint>
#include <string>

#include "kernel_shim/base/result.h"

namespace halfcell::bench {

// All of these run a guest with a control socket. EIO where it does not answer, or not as expected; errors of
// the spawn and the socket. Block for the measurement.

// Nanoseconds per command on one connection, each asked when the last was answered.
Result<double> measure_control_commands(std::uint64_t count);

// What 64 B reads (`count` to a slice) of a process cost whose calls are traced to the ring, over what they
// cost untraced.
Result<double> measure_ring_trace(std::uint64_t count);

// Milliseconds from asking for a trace until the first call is in it.
Result<double> measure_trace_switch();

// The same while `connections` connections have been made, half of them with half a line sent, and all the
// time one after the other is made anew, over what they cost while there are none.
Result<double> measure_flood(std::uint64_t count, unsigned connections);

}  // namespace halfcell::bench
