#pragma once

// A context: one guest thread and its worker. Source: kernel:src/context/context.rs Context.

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "abi/flags.h"
#include "abi/regs.h"
#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/ids.h"
#include "kernel_shim/fd/fd_table.h"
#include "kernel_shim/machine/guest_thread.h"
#include "kernel_shim/mem/address_space.h"
#include "kernel_shim/scheme/caller.h"
#include "kernel_shim/task/late_calls.h"
#include "kernel_shim/task/signal_state.h"
#include "kernel_shim/task/stop.h"

namespace halfcell::task {

// What the process manager sets through the Attr handle. Source: syscall:src/data.rs ProcSchemeAttrs.
struct Attributes {
    std::uint32_t pid = 0;
    std::uint32_t euid = 0;
    std::uint32_t egid = 0;
    std::uint32_t priority = 20;
    std::string name;
};

// One-way but for kStopped <-> kRunnable. Being blocked is not a state of its own: the Waiter knows.
enum class RunState : std::uint8_t { kNotStarted, kRunnable, kStopped, kDead };

// What a call sees of its context: taken once per call, valid throughout it.
struct CallView {
    std::shared_ptr<mem::AddressSpace> space;
    std::shared_ptr<fd::FdTable> files;
    std::uint32_t pid = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
};

// The order to move a context into another address space, given by closing a current-addrspace handle.
struct SpaceSwitch {
    std::shared_ptr<mem::AddressSpace> space;
    std::uint64_t stack_pointer = 0;
    std::uint64_t instruction_pointer = 0;
    std::optional<std::uint64_t> argument;  // rsi
};

// The x87 and SSE state, the first 416 bytes of an FXSAVE image.
using FloatImage = std::array<std::byte, sizeof(abi::FloatRegisters)>;
// A CPU mask of 128 bits, as kernel:src/cpu_set.rs RawMask.
using CpuMask = std::array<std::uint64_t, 2>;

// A guest thread between a park and its resumption, for whoever wants to see or change its registers.
struct ParkedThread {
    machine::GuestThread& thread;
    // The call the thread has just returned from; none where it was stopped between two of its own
    // instructions. Its rax then holds the call's result.
    std::optional<std::uint32_t> returned_from;
};
using ParkJob = std::function<void(const ParkedThread&)>;

class Tracee;

class Context : public std::enable_shared_from_this<Context> {
  public:
    Context(ContextId id, std::shared_ptr<mem::AddressSpace> space, std::shared_ptr<fd::FdTable> files);
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    [[nodiscard]] ContextId id() const { return id_; }
    [[nodiscard]] wait::Waiter& waiter() { return waiter_; }
    [[nodiscard]] LateCalls& late_calls() { return late_calls_; }

    [[nodiscard]] CallView view() const;
    [[nodiscard]] scheme::Caller caller();
    [[nodiscard]] Attributes attributes() const;
    void set_attributes(Attributes attributes);

    // Null once the context is dead.
    [[nodiscard]] std::shared_ptr<mem::AddressSpace> address_space() const;
    [[nodiscard]] std::shared_ptr<fd::FdTable> files() const;
    // Replaces the table and returns what was in the old one, for closing, where no other context uses it.
    // ESRCH when dead.
    Result<std::vector<fd::Descriptor>> replace_files(std::shared_ptr<fd::FdTable> files);

    // Applies a switch. A context that has not started takes it at once; any other leaves its old space when
    // its current call ends or, between calls, at its next instruction. ESRCH when dead.
    // Source: kernel:src/scheme/proc.rs AwaitingAddrSpaceChange.
    Result<void> switch_space(SpaceSwitch order);
    // The switch that was ordered, taken over: from now on address_space() is the new one. Worker only.
    [[nodiscard]] std::optional<SpaceSwitch> take_switch();

    // Registers a context that has not started will begin with. Others: see inspect(); there only the segment
    // bases are kept up to date, as far as the supervisor changed them.
    [[nodiscard]] machine::ThreadRegisters initial_registers() const;
    void set_initial_registers(const machine::ThreadRegisters& registers);
    void set_segment_bases(std::uint64_t fs_base, std::uint64_t gs_base);
    // Where the stack of its program began: arguments, environment, auxiliary vector. A child's is its
    // maker's. 0 where nobody has said. Any thread.
    [[nodiscard]] std::uint64_t entry_stack() const { return entry_stack_.load(std::memory_order_relaxed); }
    void set_entry_stack(std::uint64_t address) { entry_stack_.store(address, std::memory_order_relaxed); }
    // What a float handle shows of a context that has not started. A thread begins with the hardware's
    // defaults whatever was stored here.
    [[nodiscard]] FloatImage float_image() const;
    void set_float_image(const FloatImage& image);

    // Stored and shown, not obeyed: a worker and its thread keep to the CPU the supervisor chose.
    [[nodiscard]] CpuMask affinity() const;
    void set_affinity(const CpuMask& mask);

    // --- signals (context_signal.cpp). Whoever sends one sets its bit in the control pages first.

    // What the last sighandler write registered; null where there is nothing.
    [[nodiscard]] std::shared_ptr<const SignalState> signals() const;
    void set_signals(std::shared_ptr<const SignalState> signals);
    // Whether a signal waits that the thread allows.
    [[nodiscard]] bool signal_pending() const;
    // No signal is delivered until the context has run for a quantum. Before it starts.
    void begin_undisturbed();
    // A signal may have become deliverable: ends a wait in progress, and has the thread parked, so that it is
    // delivered. Any thread; does not wait.
    void signal_raised();
    // The signal that deliver_signal() would have the program look at first, and its handler as the program's
    // action names it; none where nothing is to be delivered now. Worker only.
    struct NextSignal {
        std::uint32_t number;
        std::uint64_t handler;
    };
    [[nodiscard]] std::optional<NextSignal> next_signal() const;
    // Takes a waiting signal away, from the thread and its process.
    void drop_signal(std::uint32_t number);
    // Sends the parked thread to its handler where a signal waits; kInhibited where the program does not want
    // that just now, and will not say when it does, or where the context has run for less than a quantum.
    // EFAULT as GuestThread::registers. Worker only.
    enum class Delivery : std::uint8_t { kNone, kDelivered, kInhibited };
    Result<Delivery> deliver_signal(machine::GuestThread& thread);

    // --- life. Source: the status machine in kernel:src/context/mod.rs Status.

    [[nodiscard]] RunState state() const;
    // Whether it was ever made runnable, so that a worker is, was or will be there.
    [[nodiscard]] bool launched() const;
    // Whether it was started, and not only killed before.
    [[nodiscard]] bool has_run() const;
    // Status as a read of the status handle reports it: abi::ContextStatus, and the exception where it is
    // UnhandledExcp.
    [[nodiscard]] std::pair<abi::ContextStatus, abi::Exception> status() const;
    // kNotStarted -> kRunnable, else EINVAL.
    Result<void> mark_started();
    // Stop: from now on the context does not run guest code until unstop(). EOWNERDEAD when dead.
    Result<void> stop();
    // Unstop: kStopped (also one never started, then true is returned: start its worker) -> kRunnable.
    bool unstop();
    // Breaks a wait in progress. Returns whether there was one.
    bool interrupt();
    // Asks the context to end. Its worker does it at the next safe point; a blocked one wakes. Idempotent.
    // True where no worker ever ran, and never will: then the end is up to the caller (Workers::kill).
    bool kill(bool forced);
    [[nodiscard]] bool ending() const { return ending_.load(std::memory_order_acquire); }
    // The process manager has decided how the process ends, and kills its contexts next: that first forced
    // kill lets a tracer stop each on its way out, where any other forced kill does not. `wait_status` is
    // what the tracer is told.
    void announce_exit(std::int32_t wait_status);
    // The end itself, in upstream's order: files closed if nobody shares them, address space dropped, state
    // dead, then on_death. Worker only, once. Source: kernel:src/syscall/process.rs exit_this_context.
    void die(std::optional<abi::Exception> exception);
    // Runs once after death (the owner handle's event, the process manager); at once if dead already.
    void on_death(std::function<void(Context&)> callback);

    // ProcSchemeVerb::Iopl: the context may use port I/O. There are no ports here: the first use then ends
    // the context in order, instead of as a protection fault, and every other one where no process manager
    // is.
    void grant_port_io() { port_io_.store(true, std::memory_order_relaxed); }
    [[nodiscard]] bool may_use_ports() const { return port_io_.load(std::memory_order_relaxed); }

    // True where the worker has something to do before the guest runs on: end, stop, switch, run jobs; and
    // always where it is traced. One load, for the hot path.
    [[nodiscard]] bool needs_attention() const { return attention_.load(std::memory_order_acquire) != 0; }
    // The same without being traced.
    [[nodiscard]] bool asked() const { return (attention_.load(std::memory_order_acquire) & kAsked) != 0; }
    void clear_asked() { attention_.fetch_and(static_cast<std::uint8_t>(~kAsked)); }

    // --- tracing (context_trace.cpp); see trace_session.h, which tracers use instead.

    // Null where nobody traces. One load where nobody does.
    [[nodiscard]] std::shared_ptr<Tracee> tracee() const;
    // Gives the context to a tracer, for good or (`yields`) until another comes. The tracee that had to yield
    // is returned, or null. EBUSY where there is one that does not; ESRCH when dead.
    Result<std::shared_ptr<Tracee>> set_tracee(std::shared_ptr<Tracee> tracee, bool yields);
    // The context runs on as if it had never been traced.
    void clear_tracee(const Tracee& tracee);
    // Has the worker report such a stop as soon as the thread can be parked; breaks a wait. Any thread.
    void request_trace_stop(StopKind kind);
    // The stop that was asked for and not reported yet.
    [[nodiscard]] std::optional<StopKind> asked_trace_stop() const;
    // Ends a stop, or the request for one; has a thread that runs parked where it is to be stepped. `forget`
    // drops what was recorded of the stop, under the context's lock.
    void end_trace_stop(bool step, const std::function<void()>& forget);
    [[nodiscard]] bool trace_stopped() const;
    // Reports a stop and stays in it until it is ended, the tracer goes or the context must end; serves jobs
    // meanwhile. One that was asked for (kAsked, kSpaceSwitch) is left out where it has been taken back.
    // False where `tracee` is the tracer no more. Worker only. Blocks.
    bool trace_stop(const Tracee& tracee, const ParkedThread& parked, TraceEvent event);
    // The thread stays parked while the worker makes its call, and what is asked for is looked at afterwards:
    // it need not be asked to park. Worker only.
    void hold_parked(bool parked);
    // Whether a tracer may see the context on its way out, and the status it is told. Worker only.
    [[nodiscard]] std::optional<std::int32_t> exit_to_show() const;
    // Runs `job` here and now with the thread of a context in a stop: EBUSY where it is in none.
    Result<void> inspect_stopped(const ParkJob& job);
    // When a sleep that a halt has broken was to end, for the call that is made again. Worker only.
    void keep_halted_sleep(wait::Deadline deadline) { halted_sleep_ = deadline; }
    [[nodiscard]] wait::Deadline take_halted_sleep() { return std::exchange(halted_sleep_, {}); }

    // --- the worker's thread.

    // Runs `job` with the stopped guest thread, on the worker, as soon as it can stop; blocks until done.
    // ESRCH when it ended first or has never started; EINTR when `requester` (not this context's own waiter)
    // was interrupted while waiting; EBUSY when the target sleeps inside a call, where its registers are not
    // at hand. The job must own what it refers to.
    Result<void> inspect(wait::Waiter& requester, ParkJob job);
    // Runs `job` at the next stop, which is asked for; does not wait. For the context's own call this is
    // right after the reply. Forgotten when the context ends first.
    void run_at_next_park(ParkJob job);
    // What a parked thread stays parked for: jobs, and being stopped. Returns when it is to go on or end.
    // Worker only.
    void serve_parked(const ParkedThread& parked);
    // Announces the thread to park; null when it is gone. Worker only.
    void set_thread(machine::GuestThread* thread);

    // For reports: the number of calls made, and the call in progress.
    struct CurrentCall {
        std::uint32_t number;
        std::array<std::uint64_t, 6> args;
    };
    void enter_call(const machine::CallTrap& trap);
    void leave_call() { call_.active.store(false, std::memory_order_release); }
    [[nodiscard]] std::optional<CurrentCall> current_call() const;

  private:
    struct State;
    struct Job {
        ParkJob run;
        wait::Waiter* requester = nullptr;  // null where nobody waits
        bool running = false;
        bool done = false;
    };
    // Bits of attention_.
    static constexpr std::uint8_t kAsked = 1;
    static constexpr std::uint8_t kTraced = 2;
    static constexpr std::uint8_t kNoStop = 0xff;  // of stop_request_
    void ask_for_park(State& state);
    template <typename Lock>
    bool run_job(Lock& lock, const ParkedThread& parked);
    [[nodiscard]] bool must_leave_stop(StopKind kind) const;
    [[nodiscard]] bool may_deliver(const SignalState& signals) const;
    struct State {
        Attributes attributes;
        std::shared_ptr<mem::AddressSpace> space;
        std::shared_ptr<fd::FdTable> files;
        bool leaving = false;  // die() has begun: nothing may be given to the context any more
        RunState run_state = RunState::kNotStarted;
        bool launched = false;
        bool has_run = false;
        bool begins_undisturbed = false;
        std::chrono::steady_clock::time_point launch_time;
        bool parked = false;  // the worker is in serve_parked or trace_stop
        // The thread, where the worker waits there and runs no job.
        const ParkedThread* at_rest = nullptr;
        bool forced = false;  // ForceKill, as the status shows it
        std::shared_ptr<Tracee> tracee;
        bool tracee_yields = false;
        bool trace_stopped = false;
        std::optional<std::int32_t> announced_exit;
        bool exit_begun = false;  // the kill that was announced has come
        bool kill_now = false;    // another forced kill has come
        std::optional<abi::Exception> exception;
        machine::ThreadRegisters initial;
        FloatImage float_image{};
        CpuMask affinity{UINT64_MAX, UINT64_MAX};
        std::optional<SpaceSwitch> pending_switch;
        machine::GuestThread* thread = nullptr;
        std::vector<std::shared_ptr<Job>> jobs;
        std::vector<std::function<void(Context&)>> death_callbacks;
    };

    const ContextId id_;
    wait::Waiter waiter_;
    LateCalls late_calls_{*this};
    std::atomic<bool> ending_{false};
    std::atomic<std::uint64_t> entry_stack_{0};
    std::atomic<std::uint8_t> attention_{0};
    std::atomic<std::uint8_t> stop_request_{kNoStop};
    wait::Deadline halted_sleep_;  // worker only
    std::atomic<bool> port_io_{false};
    std::atomic<bool> has_signals_{false};  // signals_ is set: asked for on the hot path
    // Written by the worker at every call, read by reports: a torn mixture of two calls is acceptable there.
    struct {
        std::atomic<bool> active{false};
        std::atomic<std::uint32_t> number{0};
        std::array<std::atomic<std::uint64_t>, 6> args{};
    } call_;
    mutable LevelMutex<LockLevel::kContext> mutex_;
    State state_;  // guarded by mutex_
    std::condition_variable_any resumed_;
    // Behind a lock of its own: asked for by waits that hold their object's lock.
    Guarded<std::shared_ptr<const SignalState>, LockLevel::kWaiter> signals_;
};

}  // namespace halfcell::task
