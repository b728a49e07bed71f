#pragma once

// A context: one guest thread and its worker. Source: kernel:src/context/context.rs Context.

#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "abi/flags.h"
#include "abi/regs.h"
#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/ids.h"
#include "kernel_shim/fd/fd_table.h"
#include "kernel_shim/machine/guest_thread.h"
#include "kernel_shim/mem/address_space.h"
#include "kernel_shim/scheme/caller.h"

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

class Context : public std::enable_shared_from_this<Context> {
  public:
    Context(ContextId id, std::shared_ptr<mem::AddressSpace> space, std::shared_ptr<fd::FdTable> files);
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    [[nodiscard]] ContextId id() const { return id_; }
    [[nodiscard]] wait::Waiter& waiter() { return waiter_; }

    [[nodiscard]] CallView view() const;
    [[nodiscard]] scheme::Caller caller();
    [[nodiscard]] Attributes attributes() const;
    void set_attributes(Attributes attributes);

    // Null once the context is dead.
    [[nodiscard]] std::shared_ptr<mem::AddressSpace> address_space() const;
    [[nodiscard]] std::shared_ptr<fd::FdTable> files() const;
    // Replaces the table; the old one is returned for closing.
    std::shared_ptr<fd::FdTable> set_files(std::shared_ptr<fd::FdTable> files);

    // Applies a switch. A context that has not started takes it at once; the caller's own takes effect when
    // its current call ends; EBUSY for another running context (Linux threads cannot migrate while they run).
    // ESRCH when dead. Source: kernel:src/scheme/proc.rs AwaitingAddrSpaceChange.
    Result<void> switch_space(SpaceSwitch order, ContextId requester);
    // The switch a finished call left behind. Worker only.
    [[nodiscard]] std::optional<SpaceSwitch> take_switch();

    // Registers a context that has not started will begin with. Others: see inspect().
    [[nodiscard]] machine::ThreadRegisters initial_registers() const;
    void set_initial_registers(const machine::ThreadRegisters& registers);

    // --- life. Source: the status machine in kernel:src/context/mod.rs Status.

    [[nodiscard]] RunState state() const;
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
    void kill(bool forced);
    [[nodiscard]] bool ending() const { return ending_.load(std::memory_order_acquire); }
    // The end itself, in upstream's order: files closed if nobody shares them, address space dropped, state
    // dead, then on_death. Worker only, once. Source: kernel:src/syscall/process.rs exit_this_context.
    void die(std::optional<abi::Exception> exception);
    // Runs once after death (the owner handle's event, the process manager); at once if dead already.
    void on_death(std::function<void(Context&)> callback);
    // Sleeps while stopped. Worker only; returns at once when not stopped, or ending.
    void wait_while_stopped();

    // ProcSchemeVerb::Iopl: the context may use port I/O. There are no ports here: the first use then ends
    // the context in order, instead of as a protection fault.
    void grant_port_io() { port_io_.store(true, std::memory_order_relaxed); }
    [[nodiscard]] bool may_use_ports() const { return port_io_.load(std::memory_order_relaxed); }

    // True where the worker has something to do before the guest runs on: end, stop, switch, run jobs. One
    // relaxed load, for the hot path.
    [[nodiscard]] bool needs_attention() const { return attention_.load(std::memory_order_acquire); }
    void clear_attention() { attention_.store(false, std::memory_order_release); }

    // --- the worker's thread.

    // Runs `job` with the stopped guest thread, on the worker, as soon as it can stop; blocks until done.
    // ESRCH when it ended first; EINTR when `requester` was interrupted while waiting; EBUSY when the target
    // sits in a call (its registers are not at hand there).
    Result<void> inspect(wait::Waiter& requester, std::function<void(machine::GuestThread&)> job);
    // Jobs waiting for a stop; run by the worker at a park. Worker only.
    void run_jobs(machine::GuestThread& thread);
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
        std::function<void(machine::GuestThread&)> run;
        wait::Waiter* requester;
        bool done = false;
    };
    void ask_for_park(State& state);
    struct State {
        Attributes attributes;
        std::shared_ptr<mem::AddressSpace> space;
        std::shared_ptr<fd::FdTable> files;
        RunState run_state = RunState::kNotStarted;
        bool forced = false;  // ForceKill, as the status shows it
        std::optional<abi::Exception> exception;
        machine::ThreadRegisters initial;
        std::optional<SpaceSwitch> pending_switch;
        machine::GuestThread* thread = nullptr;
        std::vector<std::shared_ptr<Job>> jobs;
        std::vector<std::function<void(Context&)>> death_callbacks;
    };

    const ContextId id_;
    wait::Waiter waiter_;
    std::atomic<bool> ending_{false};
    std::atomic<bool> attention_{false};
    std::atomic<bool> port_io_{false};
    // Written by the worker at every call, read by reports: a torn mixture of two calls is acceptable there.
    struct {
        std::atomic<bool> active{false};
        std::atomic<std::uint32_t> number{0};
        std::array<std::atomic<std::uint64_t>, 6> args{};
    } call_;
    mutable LevelMutex<LockLevel::kContext> mutex_;
    State state_;  // guarded by mutex_
    std::condition_variable_any resumed_;
};

}  // namespace halfcell::task
