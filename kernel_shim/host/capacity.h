#pragma once

// How much of the host a run may take before others feel it.

#include <cstdint>
#include <string>

namespace halfcell::host {

struct HostLimits {
    std::uint64_t tasks = UINT64_MAX;        // processes and threads, ours and everybody's
    std::uint64_t descriptors = UINT64_MAX;  // of this process
    std::uint64_t memory = UINT64_MAX;       // bytes
};

// What binds this process: resource limits, the kernel's own, and those of the control groups it is in. What
// cannot be read does not bind. Never fails; reads some files of /proc and /sys.
[[nodiscard]] HostLimits read_host_limits();

// Guest threads, each counted as if it were a process of its own, that leave half of all that to the rest of
// the host; at least 16 and at most 4096.
[[nodiscard]] std::uint64_t comfortable_guest_threads(const HostLimits& limits);

// The lowest pids.max of a control group and those above it; UINT64_MAX where there is none. `membership` is
// the text of /proc/self/cgroup, `mount` where the groups are mounted.
[[nodiscard]] std::uint64_t task_limit_of_groups(const std::string& membership, const std::string& mount);

}  // namespace halfcell::host
