#pragma once

// The 1:1 loop: every guest thread has a supervisor thread that receives its traps and answers them.

#include <condition_variable>
#include <memory>
#include <thread>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/machine/guest_thread.h"
#include "kernel_shim/task/context.h"

namespace halfcell::task {

struct Kernel;

// Decodes and runs one call; syscall/ implements it. Returns what goes to rax. Blocks as the call does.
// Called on the context's worker only.
class CallHandler {
  public:
    virtual ~CallHandler() = default;
    virtual std::uint64_t handle(Kernel& kernel, Context& context, const machine::CallTrap& trap) = 0;
};

class Workers {
  public:
    Workers(Kernel& kernel, CallHandler& calls) : kernel_(kernel), calls_(calls) {}
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;
    // Kills what still runs and waits for it.
    ~Workers();

    // Starts the guest thread of a context that mark_started() has made runnable, and its worker. Errors of
    // AddressSpace::machine and Machine::start_thread; the context is then dead.
    Result<void> start(const std::shared_ptr<Context>& context);

    // Asks a context to end (Context::kill); where it never started, ends it here. Does not wait for a
    // worker.
    void kill(const std::shared_ptr<Context>& context, bool forced);

    // Waits until no context has a worker any more. Blocks.
    void wait_all();

  private:
    void run(std::shared_ptr<Context> context, std::unique_ptr<machine::GuestThread> thread);

    Kernel& kernel_;
    CallHandler& calls_;
    mutable LevelMutex<LockLevel::kContextTable> mutex_;
    std::condition_variable_any finished_;
    std::uint64_t running_ = 0;
};

}  // namespace halfcell::task
