#pragma once

// The command channel of one agent. One batch at a time; the process may die at any instant, and then every
// waiting and later command answers ESRCH.

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <span>

#include "kernel_shim/agent/protocol.h"
#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/result.h"
#include "kernel_shim/host/unique_fd.h"
#include "kernel_shim/machine/machine.h"

namespace halfcell::agent {

class AgentClient {
  public:
    // `page` is the supervisor's view of the agent's command page, all zero; `report` an eventfd that blocks.
    AgentClient(CommandPage& page, host::UniqueFd report);

    static constexpr int kNotPinned = -1;

    // Called once, before the first command: the agent's pid, and the CPU it was born pinned to or
    // kNotPinned.
    void set_process(pid_t process, int cpu) {
        process_ = process;
        cpu_ = cpu;
    }

    // Runs the commands in order up to the first that fails; its error. ESRCH when the process is gone.
    // Blocks until the agent has answered; takes the agent lock.
    Result<void> run(std::span<const Command> commands);

    // The same for any number of commands, in as many batches as it takes; tells how many were run.
    machine::Progress run_all(std::span<const Command> commands);

    // The same for a batch that ends in HC_OPERATION_FORK.
    struct Forked {
        pid_t process = 0;
        int cpu = kNotPinned;  // it inherits this agent's
    };
    Result<Forked> run_for_process(std::span<const Command> commands);

    // Runs a batch that ends in HC_OPERATION_THREAD and stays on the channel until the newborn thread waits
    // in its first notification: until then the thread reads the command page.
    // An error means that there is no thread. The listener has an error of its own: EAGAIN when the host has
    // no descriptor to give, EPERM when it forbids taking one out of another process.
    struct Newborn {
        pid_t thread = 0;
        int cpu = 0;  // where it is pinned, as the agent is
        Result<host::UniqueFd> listener;
    };
    Result<Newborn> run_for_thread(std::span<const Command> commands);

    // The process is gone: releases whoever waits. Any thread, once.
    void mark_dead();
    [[nodiscard]] bool is_dead() const { return dead_.load(std::memory_order_acquire); }

  private:
    // Where `left` is given it takes, after a failure, the commands not run, the failed one among them.
    Result<pid_t> exchange(std::span<const Command> commands, std::size_t* left = nullptr);
    void follow_caller();
    Result<host::UniqueFd> fetch_listener(pid_t thread) const;

    CommandPage& page_;
    const host::UniqueFd report_;
    pid_t process_ = 0;
    int cpu_ = kNotPinned;  // guarded by channel_ from the first command on
    std::atomic<bool> dead_{false};
    LevelMutex<LockLevel::kAgent> channel_;
};

}  // namespace halfcell::agent
