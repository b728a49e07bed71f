#pragma once

// The one thread that watches over guests: it reaps address-space processes and tells whoever waits for them,
// and it kills a guest that hides from a park request.

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include "kernel_shim/agent/agent_process.h"
#include "kernel_shim/agent/park_state.h"
#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/result.h"
#include "kernel_shim/host/unique_fd.h"

namespace halfcell::agent {

class Reaper {
  public:
    // Starts the thread. EMFILE, ENFILE, EAGAIN.
    static Result<std::unique_ptr<Reaper>> create();
    Reaper(const Reaper&) = delete;
    Reaper& operator=(const Reaper&) = delete;
    // Joins the thread. Every process has been reaped by then.
    ~Reaper();

    // Calls `process->reaped()` when it has ended, which may be at once. Any thread.
    Result<void> watch(std::shared_ptr<AgentProcess> process);

    // A park request is under way; looks after it until the thread has parked. Any thread; takes the
    // reaper's lock, wakes nobody.
    void expect_park(std::shared_ptr<ParkState> state);

  private:
    struct Books {
        std::unordered_map<int, std::shared_ptr<AgentProcess>> processes;  // by descriptor
        std::vector<std::shared_ptr<ParkState>> parks;
    };

    Reaper(host::UniqueFd poll, host::UniqueFd quit, host::UniqueFd timer);
    void loop();
    void process_ended(int descriptor);
    void examine_parks();
    void arm_timer();

    const host::UniqueFd poll_;
    const host::UniqueFd quit_;
    const host::UniqueFd timer_;
    Guarded<Books, LockLevel::kAgent> books_;
    std::thread thread_;
};

}  // namespace halfcell::agent
