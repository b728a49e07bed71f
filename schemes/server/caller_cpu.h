#pragma once

// Where the calling thread runs: beside those who wait for it (RequestPage::cpu), so that they and it are two
// switches apart and not two wake-ups across CPUs.

#include <cstdint>

#include "schemes/server/host_protocol.h"

namespace halfcell::server {

// Used by one thread. That may have several, one for each run that it serves: it is then where the one is
// that has settled last, until one of them goes.
class CallerCpu {
  public:
    CallerCpu();
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
    static void move_to(std::uint32_t cpu);

    std::uint32_t followed_ = kAnyCpu;
};

}  // namespace halfcell::server
