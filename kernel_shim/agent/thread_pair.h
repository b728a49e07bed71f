#pragma once

// A guest thread and its worker, who share a CPU: a call is then two switches and no wake-up across CPUs,
// which costs ten times as much. What the spreader must know to find them a better one is here.

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace halfcell::agent {

class ThreadPair {
  public:
    ThreadPair(pid_t guest, int cpu, bool movable) : guest_(guest), cpu_(cpu), unsettled_(movable) {}

    // The guest has trapped, and runs on. Worker only.
    void trapped() { step(); }
    void runs_on() { step(); }

  private:
    friend class Spreader;

    void step() { steps_.store(steps_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }

    const pid_t guest_;
    // Traps and answers: odd while the worker is busy with a trap.
    std::atomic<std::uint32_t> steps_{0};

    // --- guarded by the spreader's lock
    pid_t worker_ = 0;
    int cpu_;
    // To be moved, should it last, wherever there is room: what a process makes threads for.
    bool unsettled_;
    std::uint32_t steps_seen_ = 0;
    bool computed_ = false;  // at the last look
    std::size_t index_ = 0;  // in the spreader's list
};

}  // namespace halfcell::agent
