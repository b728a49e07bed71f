#pragma once

// What a park request and its surveillance share about one guest thread.

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "kernel_shim/agent/agent_process.h"

namespace halfcell::agent {

struct ParkState {
    ParkState(const std::shared_ptr<AgentProcess>& owner, pid_t thread_id)
        : process(owner), thread(thread_id) {}

    // Weak: a state may lie on the reaper's list for a while after everything else of its guest has
    // gone.
    const std::weak_ptr<AgentProcess> process;
    const pid_t thread;

    // Somebody wants a ParkTrap. Set by requesters, cleared by the worker when it reports one.
    std::atomic<bool> asked{false};
    // The signal is on its way: the handler has not reported yet. Set by who sends it, cleared by the worker.
    std::atomic<bool> signalled{false};
    // The call the thread waits in, by notification id; 0 outside calls. Worker.
    std::atomic<std::uint64_t> call{0};
    // The thread is known to have ended. Worker.
    std::atomic<bool> gone{false};
    // On the reaper's list.
    std::atomic<bool> watched{false};

    // Reaper only: what the last look showed.
    bool suspected = false;
    std::uint64_t cpu_ticks = 0;
};

}  // namespace halfcell::agent
