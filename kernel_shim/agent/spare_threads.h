#pragma once

// Linux threads of one process whose guest threads have ended: parked in the stub, each behind its own
// listener. The next guest thread is one of these with new registers, which spares a clone, a filter and a
// descriptor: two thirds of what a start costs.

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "kernel_shim/agent/thread_frame.h"
#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/result.h"
#include "kernel_shim/host/notify.h"

namespace halfcell::agent {

// A Linux thread of a guest's process, and what belongs to it.
struct ThreadSeat {
    pid_t thread = 0;
    host::Listener listener;
    ThreadArea area;
    // Where it is pinned.
    int cpu = 0;
    // Gives the area back, and keeps alive what the thread needs; called when the thread is gone.
    std::function<void()> release_area;
};

struct SpareThread {
    ThreadSeat seat;
    // The park that waits for its answer, and its frame.
    std::uint64_t park = 0;
    ThreadFrame frame;

    // Once its park is answered it runs on `cpu` with these registers, as a newborn thread would. EINVAL for
    // segment bases that are not canonical; it is then as before. Does not block.
    Result<void> prepare(const machine::ThreadRegisters& registers, int cpu);
};

class SpareThreads {
  public:
    // How many one process keeps. More only helps programs that let many threads end at once.
    static constexpr std::size_t kMost = 16;

    // Whether there is room for one more. Any thread.
    [[nodiscard]] bool has_room() const;
    // Keeps one; the few that come between has_room() and here are kept as well. Any thread.
    void keep(SpareThread spare);
    // The one that was kept last. Any thread.
    std::optional<SpareThread> take();

  private:
    Guarded<std::vector<SpareThread>, LockLevel::kAgent> spares_;
};

}  // namespace halfcell::agent
