#pragma once

// The programs of this kernel, for a debugger: a TraceSession under gdb's idea of processes and threads.
//
// Threads are contexts, and a context's id is its number. Children and new threads are followed from their
// first instruction on.

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kernel_shim/gdb/entry_words.h"
#include "kernel_shim/gdb/guest_files.h"
#include "kernel_shim/gdb/target.h"
#include "kernel_shim/host/unique_fd.h"
#include "kernel_shim/task/kernel.h"
#include "kernel_shim/task/trace_session.h"

namespace halfcell::gdb {

// What the process manager does for a debugger. ESRCH where there is no such process.
class ProcessSignals {
  public:
    virtual ~ProcessSignals() = default;
    // Sends a signal with root's rights; SIGKILL as well. Does not wait.
    virtual Result<void> send(std::uint64_t process, std::uint32_t signal) = 0;
};

class KernelTarget final : public Target {
  public:
    // All of these outlive it. Errors of eventfd.
    static Result<std::unique_ptr<KernelTarget>> create(task::Kernel& kernel, ProcessSignals& signals,
                                                        scheme::DescriptionRef names);
    // Detaches from what is left.
    ~KernelTarget() override;

    // Attaches to the first context of a program that is about to start: it stops before its first
    // instruction. Errors of TraceSession::attach.
    Result<void> begin(const std::shared_ptr<task::Context>& context);
    // Attaches to all threads of a process that runs: they stop where they are. EBUSY where one has a tracer;
    // ESRCH where there is none. Does not wait for the stops.
    Result<void> attach(std::uint64_t process);

    // --- Target.
    [[nodiscard]] std::vector<ThreadName> threads() override;
    std::string thread_title(const ThreadName& name) override;
    [[nodiscard]] bool attached(std::uint64_t process) const override;
    Result<std::string> program_path(std::uint64_t process) override;
    Result<std::string> auxiliary_vector(std::uint64_t process) override;
    [[nodiscard]] Vectors vectors() const override;
    Result<RegisterSet> registers(const ThreadName& name) override;
    Result<void> set_registers(const ThreadName& name, const RegisterSet& registers) override;
    Result<std::size_t> read_memory(std::uint64_t process, std::uint64_t address,
                                    std::span<std::byte> to) override;
    Result<void> write_memory(std::uint64_t process, std::uint64_t address,
                              std::span<const std::byte> from) override;
    Result<void> resume(std::span<const Resumption> resumptions) override;
    void interrupt() override;
    [[nodiscard]] int event_file() const override { return events_->get(); }
    std::vector<Stop> take_stops() override;
    [[nodiscard]] bool running() const override { return running_; }
    Result<void> catch_calls(std::uint64_t process, CallFilter filter) override;
    void pass_signals(std::vector<std::uint32_t> signals) override { passed_ = std::move(signals); }
    Result<void> detach(std::uint64_t process) override;
    Result<void> kill(std::uint64_t process) override;
    Result<std::unique_ptr<TargetFile>> open_file(std::uint64_t process, const std::string& path) override;
    Result<std::string> read_link(std::uint64_t process, const std::string& path) override;

  private:
    using TimePoint = std::chrono::steady_clock::time_point;
    struct Thread {
        std::shared_ptr<task::Context> context;
        std::uint64_t process = 0;
        // The stop it is in; none while it runs.
        std::optional<task::StopKind> stop;
        // Whether gdb is told of it: only then has a signal that comes to nothing been refused.
        bool reported = false;
        std::uint32_t number = 0;  // of the signal or the call it stopped for
        // Made on behalf of this process, and not yet stopped for the first time.
        std::optional<std::uint64_t> maker;
        // What it was told to do, for going on after a stop that is nobody's business.
        std::optional<Resumption> order;
    };
    struct Process {
        bool announced = false;  // gdb knows of it, or will
        bool attached = false;   // it, or who made it, was not started for gdb
        CallFilter filter;
        // Where the words lie that its program found when it began.
        std::uint64_t entry_stack = 0;
        // What its end will be reported as.
        std::uint64_t status = 0;
        bool killed = false;
    };
    KernelTarget(task::Kernel& kernel, ProcessSignals& signals, scheme::DescriptionRef names,
                 std::shared_ptr<host::UniqueFd> events);

    // kernel_target_events.cpp
    void take_events();
    void take_event(const task::TraceEvent& event);
    void child_made(const task::TraceEvent& event);
    void stopped(Thread& thread, const task::TraceEvent& event);
    void first_stop(Thread& thread, std::uint64_t maker);
    [[nodiscard]] bool child_is_due(std::uint64_t process) const;
    void let_parents_leave(std::uint64_t process);
    void call_stop(Thread& thread, bool entry);
    void signal_stop(Thread& thread, const task::TraceEvent& event);
    void leaving(Thread& thread, const task::TraceEvent& event);
    void ended(ContextId id);
    void report(Thread& thread, Stop stop);
    void go_on(Thread& thread);
    void resume_thread(Thread& thread);
    [[nodiscard]] std::uint64_t flags_for(const Thread& thread) const;
    [[nodiscard]] bool catches(const Thread& thread, std::uint32_t call) const;
    void stand_still();
    bool wait_for_events(TimePoint deadline);
    [[nodiscard]] bool anything_runs() const;
    [[nodiscard]] static bool runs(const Thread& thread);

    [[nodiscard]] Thread* find(const ThreadName& name);
    [[nodiscard]] std::shared_ptr<mem::AddressSpace> space_of(std::uint64_t process) const;
    [[nodiscard]] Result<EntryWords> entry_words(std::uint64_t process) const;
    void forget(std::uint64_t process);
    [[nodiscard]] static ThreadName name_of(const Thread& thread) {
        return {thread.process, thread.context->id().value()};
    }

    task::Kernel& kernel_;
    ProcessSignals& signals_;
    GuestFiles files_;
    // Shared with the session, which may report from any thread until it is gone.
    const std::shared_ptr<host::UniqueFd> events_;
    std::shared_ptr<task::TraceSession> session_;
    std::map<ContextId, Thread> threads_;
    std::map<std::uint64_t, Process> processes_;
    std::vector<Stop> stops_;  // not yet taken
    std::vector<std::uint32_t> passed_;
    std::vector<std::pair<std::uint64_t, std::uint32_t>> sent_;  // by us, and not yet seen: process, signal
    bool running_ = false;
    bool standing_still_ = false;  // everything is being stopped
    bool interrupted_ = false;
};

}  // namespace halfcell::gdb
