#pragma once

// Where the calling thread runs: beside those who wait for it (RequestPage::cpu), so that they and it are two
// switches apart and not two wake-ups across CPUs.

#include <sched.h>

#include <cstdint>

#include "schemes/server/host_protocol.h"

namespace halfcell::server {

// Used by one thread.
class CallerCpu {
  public:
    CallerCpu() { known_ = ::sched_getaffinity(0, sizeof allowed_, &allowed_) == 0; }
    CallerCpu(const CallerCpu&) = delete;
    CallerCpu& operator=(const CallerCpu&) = delete;
    // The thread may run wherever it could before.
    ~CallerCpu() { follow(kAnyCpu); }

    // Goes to this CPU, if that is allowed, and stays there. Where it is not, nothing changes.
    void follow(std::uint32_t cpu) {
        if (cpu == followed_) return;
        followed_ = cpu;
        move_to(cpu);
    }

  private:
    void move_to(std::uint32_t cpu);

    cpu_set_t allowed_{};
    bool known_ = false;
    std::uint32_t followed_ = kAnyCpu;
};

}  // namespace halfcell::server
