#pragma once

// Tracing: one tracer, the contexts it has attached to, and the events they report. Used by the trace handles
// of the guests and by the debugger inside the supervisor alike. Source of the behaviour: Redox RFC 0004 and
// kernel:src/ptrace.rs of the time when its stops worked.
//
// A traced context that stops is parked: its registers are all there, and its worker waits. Whoever resumes
// it says which stops it wants next. Nothing here needs the host's ptrace.

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/task/context.h"
#include "kernel_shim/task/stop.h"
#include "kernel_shim/wait/wait_queue.h"

namespace halfcell::task {

class TraceSession;

// What a context and its tracer share. The worker reads it at every trap of a traced context.
class Tracee {
  public:
    explicit Tracee(std::weak_ptr<TraceSession> session) : session_(std::move(session)) {}

    // The breakpoints in force.
    [[nodiscard]] std::uint64_t flags() const { return flags_.load(std::memory_order_acquire); }
    [[nodiscard]] bool wants(std::uint64_t any_of) const { return (flags() & any_of) != 0; }
    // Whether a step that has arrived at `address` goes on by itself.
    [[nodiscard]] bool steps_through(std::uint64_t address) const;
    // Hands an event to the tracer. Takes the session's lock; hold nothing that comes after kContext.
    void report(TraceEvent event) const;
    // Null once the tracer has gone.
    [[nodiscard]] std::shared_ptr<TraceSession> session() const { return session_.lock(); }

  private:
    friend class TraceSession;
    void set(std::uint64_t flags, std::optional<StepRange> range);

    const std::weak_ptr<TraceSession> session_;
    std::atomic<std::uint64_t> flags_{0};
    std::atomic<std::uint64_t> range_begin_{0};
    std::atomic<std::uint64_t> range_end_{0};
};

class TraceSession : public std::enable_shared_from_this<TraceSession> {
  public:
    // Which children of a tracee become tracees of the same session as they are made.
    enum class Follow : std::uint8_t {
        // None; where EVENT_CLONE is set they wait, until the parent is resumed, for another session to
        // attach to them.
        kNone,
        // Threads of its own process: they run at once, with their maker's breakpoints. Others as kNone.
        kThreads,
        // All: each is announced (kClone) and stops (kAsked) before its first instruction.
        kAll,
    };
    struct Options {
        Follow follow = Follow::kNone;
        // Called after every event, on the thread that caused it, without a lock. Must not block; may write
        // to an eventfd, and take the event again at once.
        std::function<void(const TraceEvent&)> on_event;
    };

    static std::shared_ptr<TraceSession> create(Options options);
    TraceSession(const TraceSession&) = delete;
    TraceSession& operator=(const TraceSession&) = delete;
    // Detaches from all.
    ~TraceSession();

    // --- attaching. Any thread; nothing here blocks.

    // Makes `context` a tracee without breakpoints. With `stop` it reports kAsked as soon as it can: at once
    // where it runs; where it sleeps in a call, the call comes to nothing and is made again when it is
    // resumed; where it has not started, before its first instruction. EBUSY where it has a tracer; ESRCH
    // where it has ended.
    Result<void> attach(const std::shared_ptr<Context>& context, bool stop);
    // The context runs on as if never traced. Its events that were not taken stay. Unknown ids: nothing.
    void detach(ContextId context);
    void detach_all();

    // --- steering. ESRCH where the context is no tracee (any more).

    // Sets the breakpoints (abi::PtraceFlags and StopFlags, replacing the old ones) and lets the context run
    // where it is stopped; one that runs meets them from now on, and a stop() under way is taken back. With
    // kPtraceFlagIgnore in `flags` what it has stopped in front of is left out: the call (rax is what the
    // tracer has put there), the signal, the breakpoint (it goes on behind the int3 if that is still there),
    // the fault (the instruction is tried again; without the flag the context ends). With
    // kPtraceStopSinglestep and a `range`, steps that arrive inside it are not reported.
    Result<void> resume(ContextId context, std::uint64_t flags, std::optional<StepRange> range = {});
    // The same for every tracee. Children that wait for somebody to attach are let go.
    void resume_all(std::uint64_t flags);
    // Has it stop as attach() does. No effect on one that is stopped.
    Result<void> stop(ContextId context);

    // --- events, in the order in which they happened.

    [[nodiscard]] std::optional<TraceEvent> take_event();
    // Waits until there is an event, or a tracee is stopped, or there is no tracee left. ESRCH for the
    // latter, EINTR. Blocks.
    Result<void> wait(wait::Waiter& waiter);
    [[nodiscard]] bool event_waiting() const;

    // --- looking. Any thread; none blocks.

    [[nodiscard]] std::vector<std::shared_ptr<Context>> tracees() const;
    // Null where it is no tracee.
    [[nodiscard]] std::shared_ptr<Context> find(ContextId context) const;
    // The stop in which a tracee is; nullopt while it runs, and for others.
    [[nodiscard]] std::optional<TraceEvent> stopped_at(ContextId context) const;
    // Whoever reported a stop last and is still in it.
    [[nodiscard]] std::shared_ptr<Context> last_stopped() const;

    // --- the state of a stopped tracee. ESRCH: no tracee; EBUSY: it runs; EFAULT: the guest has destroyed
    // its frame.

    // Runs `job` with the thread, on the caller's thread, under the context's lock: it may read and change
    // registers and nothing else.
    Result<void> inspect(ContextId context, const ParkJob& job);
    Result<machine::ThreadRegisters> registers(ContextId context);
    // EINVAL for segment bases that are not canonical.
    Result<void> set_registers(ContextId context, const machine::ThreadRegisters& registers);

    // Memory of a tracee, stopped or not. Writing also changes what the program itself may not write, but
    // files only where it may. EFAULT; bytes before the failing one may have been copied.
    Result<void> read_memory(ContextId context, std::uint64_t address, std::span<std::byte> to) const;
    Result<void> write_memory(ContextId context, std::uint64_t address, std::span<const std::byte> from);

  private:
    explicit TraceSession(Options options) : options_(std::move(options)) {}
    friend class Tracee;
    friend void announce_child(Context& maker, const std::shared_ptr<Context>& child, std::uint32_t pid);

    struct Entry {
        std::shared_ptr<Context> context;
        std::shared_ptr<Tracee> tracee;
        // Waits for another session to attach, until `maker` is resumed.
        std::optional<ContextId> held_for;
        std::optional<TraceEvent> stop;
    };
    struct State {
        // Takes an entry out, with all that names it.
        Entry take(std::map<ContextId, Entry>::iterator entry);

        std::map<ContextId, Entry> entries;
        std::deque<TraceEvent> events;
        std::optional<ContextId> last_stopped;
        wait::WaitQueue waiting;
    };
    friend class Context;
    void report(TraceEvent event);
    // The two halves of it: the first under LockLevel::kContext too, the second where it was true.
    bool record(const TraceEvent& event);
    void tell(const TraceEvent& event);
    void forget_stop(ContextId context);
    void child_made(Context& maker, std::uint64_t flags, const std::shared_ptr<Context>& child,
                    std::uint32_t pid);
    Result<void> enter(const std::shared_ptr<Context>& context, std::shared_ptr<Tracee> tracee,
                       std::optional<ContextId> held_for);
    void let_go_children(std::optional<ContextId> maker);
    void forget(const Tracee& tracee);

    const Options options_;
    mutable LevelMutex<LockLevel::kObject> mutex_;
    State state_;  // guarded by mutex_
};

// Tells the tracer of `maker`, if it has one that wants to know, that `child` has been made on its behalf:
// a thread of its own process, or the first of a new one. Before the child can start. Any thread; no lock
// may be held.
void announce_child(Context& maker, const std::shared_ptr<Context>& child, std::uint32_t pid);

}  // namespace halfcell::task
