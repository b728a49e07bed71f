#pragma once

// What the same work costs a Linux program on this machine.

#include <cstdint>
#include <string>

#include "kernel_shim/base/result.h"

namespace halfcell::bench {

// Nanoseconds per open+close of an existing file.
Result<double> measure_native_open_close(const std::string& path, std::uint64_t rounds);

// MiB per second of 1 MiB read(2) calls over a cached file, starting again at its end.
Result<double> measure_native_read(const std::string& path, std::uint64_t rounds);

// Milliseconds from the start of a command to its end, its output thrown away. EIO when it does not exit with
// `expected_status`; errors of the spawn.
Result<double> measure_command(const std::string& program, const std::string& arguments,
                               int expected_status = 0);

}  // namespace halfcell::bench
