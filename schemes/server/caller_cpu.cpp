#include "schemes/server/caller_cpu.h"

#include <sched.h>

#include <optional>

namespace halfcell::server {

namespace {

// Where this thread could run before it followed anybody; nothing where that cannot be said.
const std::optional<cpu_set_t>& allowed() {
    thread_local const std::optional<cpu_set_t> before = [] {
        std::optional<cpu_set_t> set(std::in_place);
        if (::sched_getaffinity(0, sizeof *set, &*set) != 0) set.reset();
        return set;
    }();
    return before;
}

}  // namespace

CallerCpu::CallerCpu() {
    (void)allowed();
}

void CallerCpu::move_to(std::uint32_t cpu) {
    if (!allowed()) return;
    cpu_set_t wanted = *allowed();
    if (cpu != kAnyCpu) {
        if (cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, &wanted)) return;
        CPU_ZERO(&wanted);
        CPU_SET(cpu, &wanted);
    }
    // Whatever comes of it, the thread serves.
    (void)::sched_setaffinity(0, sizeof wanted, &wanted);
}

}  // namespace halfcell::server
