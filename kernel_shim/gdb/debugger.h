#pragma once

// A debugger's visit, on a thread of its own: waits for a connection, serves it to its end, and lets the
// programs go.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>

#include "kernel_shim/gdb/kernel_target.h"
#include "kernel_shim/host/unique_fd.h"

namespace halfcell::gdb {

class Debugger {
  public:
    // `listener` is a socket that listens. `target` has begun with something, which ends with the visit.
    // EAGAIN where there is no thread to have, errors of eventfd.
    static Result<std::unique_ptr<Debugger>> start(host::UniqueFd listener,
                                                   std::unique_ptr<KernelTarget> target);
    // `target` attaches to this process when somebody connects; where it cannot, he is shut out again.
    static Result<std::unique_ptr<Debugger>> start_visit_to(std::uint64_t process, host::UniqueFd listener,
                                                            std::unique_ptr<KernelTarget> target);
    // Where nobody has connected, ends the wait, and what was started for the debugger with it. Waits for the
    // end of the visit; one to a process that was attached to is cut short. Blocks.
    ~Debugger();
    Debugger(const Debugger&) = delete;
    Debugger& operator=(const Debugger&) = delete;

    // Whether the visit is over.
    [[nodiscard]] bool over() const { return over_.load(std::memory_order_acquire); }

  private:
    Debugger(host::UniqueFd listener, std::unique_ptr<KernelTarget> target, host::UniqueFd leave,
             std::optional<std::uint64_t> process)
        : listener_(std::move(listener)),
          target_(std::move(target)),
          leave_(std::move(leave)),
          process_(process) {}
    static Result<std::unique_ptr<Debugger>> start(host::UniqueFd listener,
                                                   std::unique_ptr<KernelTarget> target,
                                                   std::optional<std::uint64_t> process);
    void run();
    void receive(int connection);
    [[nodiscard]] bool wait_for_connection();

    host::UniqueFd listener_;
    std::unique_ptr<KernelTarget> target_;
    const host::UniqueFd leave_;                  // readable: go
    const std::optional<std::uint64_t> process_;  // to attach to
    std::atomic<bool> over_{false};
    std::thread thread_;
};

// With a gdb that does not read.
struct Patience {
    // How long it may take nothing of what it is sent, before it counts as gone.
    std::chrono::milliseconds stalled{10'000};
    // How long it may take for the last of it.
    std::chrono::milliseconds last{1'000};
};

// Serves one connection until it ends, one way or the other, or `leave` is readable (-1: never). Blocks for
// the programs and for gdb to say something, but no longer than `patience` for it to read.
void serve(Target& target, int connection, int leave = -1, const Patience& patience = {});

}  // namespace halfcell::gdb
