#include "schemes/server/caller_cpu.h"

namespace halfcell::server {

void CallerCpu::move_to(std::uint32_t cpu) {
    if (!known_) return;
    cpu_set_t wanted = allowed_;
    if (cpu != kAnyCpu) {
        if (cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, &allowed_)) return;
        CPU_ZERO(&wanted);
        CPU_SET(cpu, &wanted);
    }
    // Whatever comes of it, the thread serves.
    (void)::sched_setaffinity(0, sizeof wanted, &wanted);
}

}  // namespace halfcell::server
