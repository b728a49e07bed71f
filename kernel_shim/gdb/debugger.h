#pragma once

// A debugger's visit, on a thread of its own: waits for a connection, serves it to its end, and lets the
// programs go.

#include <memory>
#include <thread>

#include "kernel_shim/gdb/kernel_target.h"
#include "kernel_shim/gdb/listener.h"

namespace halfcell::gdb {

class Debugger {
  public:
    // `target` has begun with or attached to something. EAGAIN where there is no thread to have, errors of
    // eventfd.
    static Result<std::unique_ptr<Debugger>> start(Listener listener, std::unique_ptr<KernelTarget> target);
    // Where nobody has connected, ends the wait, and what was started for the debugger with it. Waits for the
    // end of the visit. Blocks.
    ~Debugger();
    Debugger(const Debugger&) = delete;
    Debugger& operator=(const Debugger&) = delete;

    // Whether the visit is over.
    [[nodiscard]] bool over() const { return over_.load(std::memory_order_acquire); }

  private:
    Debugger(Listener listener, std::unique_ptr<KernelTarget> target, host::UniqueFd leave)
        : listener_(std::move(listener)), target_(std::move(target)), leave_(std::move(leave)) {}
    void run();
    [[nodiscard]] bool wait_for_connection();

    Listener listener_;
    std::unique_ptr<KernelTarget> target_;
    const host::UniqueFd leave_;  // readable: go
    std::atomic<bool> over_{false};
    std::thread thread_;
};

// Serves one connection until it ends, one way or the other. Blocks.
void serve(Target& target, int connection);

}  // namespace halfcell::gdb
