#pragma once

// The 1:1 loop: every guest thread has a supervisor thread that receives its traps and answers them.

#include <condition_variable>
#include <memory>
#include <optional>
#include <vector>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/machine/guest_thread.h"
#include "kernel_shim/task/context.h"
#include "kernel_shim/wait/sleep_word.h"

namespace halfcell::task {

struct Kernel;

// Decodes and runs one call; syscall/ implements it. Returns what goes to rax; nothing where the call waits
// and will be answered late (late_calls.h). Blocks as the call does. Called on the context's worker only.
class CallHandler {
  public:
    virtual ~CallHandler() = default;
    virtual std::optional<std::uint64_t> handle(Kernel& kernel, Context& context,
                                                const machine::CallTrap& trap) = 0;
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
    // What a thread of the supervisor has to do: one guest thread, to its end.
    struct Job {
        std::shared_ptr<Context> context;
        std::unique_ptr<machine::GuestThread> thread;
    };
    // One that waits for the next. Making a thread and ending it costs several times a wake-up, unless that
    // crosses CPUs.
    struct Idle {
        int cpu;
        Job job;  // without a context: there will be none
        wait::SleepWord word;
    };
    static constexpr std::size_t kMostIdle = 16;

    void work(Job job);
    void run(Job job);
    [[nodiscard]] bool hand_over(Job& job);
    [[nodiscard]] std::optional<Job> next_job();

    Kernel& kernel_;
    CallHandler& calls_;
    mutable LevelMutex<LockLevel::kContextTable> mutex_;
    std::condition_variable_any finished_;
    // Guarded by mutex_.
    std::uint64_t running_ = 0;  // jobs
    std::uint64_t threads_ = 0;  // with the idle ones
    std::vector<Idle*> idle_;
    bool closing_ = false;
};

}  // namespace halfcell::task
