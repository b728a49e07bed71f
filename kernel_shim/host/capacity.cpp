#include "kernel_shim/host/capacity.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

namespace halfcell::host {

namespace {

// A worker, an agent and the guest thread itself; its listener, and the process's two; page tables, kernel
// stacks and what a small program touches.
constexpr std::uint64_t kTasksPerGuest = 3;
constexpr std::uint64_t kDescriptorsPerGuest = 3;
constexpr std::uint64_t kMemoryPerGuest = std::uint64_t{2} << 20;
constexpr std::uint64_t kShare = 2;
constexpr std::uint64_t kFewest = 16;
constexpr std::uint64_t kMost = 4096;

// "max", and what is no number, is no limit.
std::uint64_t number_in(const std::string& path) {
    std::string text;
    std::ifstream(path) >> text;
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end != text.data() ? number : UINT64_MAX;
}

std::uint64_t lowest_on_the_way_up(const std::string& root, std::string group) {
    std::uint64_t lowest = UINT64_MAX;
    for (;;) {
        lowest = std::min(lowest, number_in(root + group + "/pids.max"));
        const std::size_t slash = group.rfind('/');
        if (slash == std::string::npos) return lowest;
        group.resize(slash);
    }
}

std::uint64_t resource_limit(__rlimit_resource resource, rlim_t rlimit::*kind) {
    rlimit limit{};
    if (getrlimit(resource, &limit) != 0 || limit.*kind == RLIM_INFINITY) return UINT64_MAX;
    return limit.*kind;
}

}  // namespace

std::uint64_t task_limit_of_groups(const std::string& membership, const std::string& mount) {
    // Lines are ID:CONTROLLERS:PATH; the unified hierarchy has no controllers.
    std::uint64_t lowest = UINT64_MAX;
    std::istringstream lines(membership);
    for (std::string line; std::getline(lines, line);) {
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        std::string group = line.substr(second + 1);
        if (group == "/") group.clear();
        if (controllers.empty()) lowest = std::min(lowest, lowest_on_the_way_up(mount, group));
        if (controllers == "pids") lowest = std::min(lowest, lowest_on_the_way_up(mount + "/pids", group));
    }
    return lowest;
}

HostLimits read_host_limits() {
    std::stringstream membership;
    membership << std::ifstream("/proc/self/cgroup").rdbuf();
    const auto pages = static_cast<std::uint64_t>(std::max(sysconf(_SC_PHYS_PAGES), 0L));
    const auto page_size = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    return {
        .tasks = std::min({resource_limit(RLIMIT_NPROC, &rlimit::rlim_cur),
                           number_in("/proc/sys/kernel/threads-max"), number_in("/proc/sys/kernel/pid_max"),
                           task_limit_of_groups(membership.str(), "/sys/fs/cgroup")}),
        // The soft limit is raised to the hard one.
        .descriptors = resource_limit(RLIMIT_NOFILE, &rlimit::rlim_max),
        .memory = pages == 0 ? UINT64_MAX : pages * page_size};
}

std::uint64_t comfortable_guest_threads(const HostLimits& limits) {
    const std::uint64_t room =
        std::min({limits.tasks / kTasksPerGuest, limits.descriptors / kDescriptorsPerGuest,
                  limits.memory / kMemoryPerGuest});
    return std::clamp(room / kShare, kFewest, kMost);
}

}  // namespace halfcell::host
