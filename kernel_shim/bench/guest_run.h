#pragma once

// Runs the embedded measuring programs under this very halfcell, and watches idle guests.

#include <cstdint>
#include <string>
#include <vector>

#include "kernel_shim/base/result.h"

namespace halfcell::bench {

// `halfcell run [options] TOOL ROW COUNT`, TOOL being `speed` or `procspeed`: the nanoseconds per operation
// it prints. EIO when it fails or prints something else; errors of the spawn.
Result<double> measure_in_guest(const std::vector<std::string>& options, const std::string& tool,
                                const std::string& row, std::uint64_t count);

// The same for a script of the guest's shell that prints the number: `halfcell run [options] sh -c SCRIPT`.
Result<double> measure_script(const std::vector<std::string>& options, const std::string& script);

struct IdleCost {
    double wakeups_per_second = 0;
    double memory_kib = 0;  // anonymous and pool memory of the supervisor
};
// A guest blocked in a read of its standard input, watched for `seconds`.
Result<IdleCost> measure_idle(unsigned seconds);

}  // namespace halfcell::bench
