// What happens to the programs, and how everything comes to a stand.

#include <algorithm>

#include "abi/proc_call.h"
#include "abi/sigabi.h"
#include "kernel_shim/gdb/kernel_target.h"
#include "kernel_shim/host/sys.h"
#include "kernel_shim/task/exception_signal.h"

namespace halfcell::gdb {

namespace {

using abi::PtraceFlags;
using task::StopFlags;
using task::StopKind;
using Cause = Stop::Cause;

// A thread whose call cannot be broken is left running after this, and has no registers to show.
constexpr std::chrono::seconds kLongestStop{5};

}  // namespace

std::vector<Stop> KernelTarget::take_stops() {
    (void)host::take_event(events_->get());
    take_events();
    if (!running_) return std::exchange(stops_, {});
    if (stops_.empty() && !interrupted_) {
        if (anything_runs()) return {};
        // The threads gdb let run are gone, and no end of a process has been worth a report.
        if (!threads_.empty()) stops_.push_back({.cause = Cause::kNothingRuns});
    }
    stand_still();
    const auto someone = threads();
    if (stops_.empty() && !someone.empty())
        stops_.push_back({.name = someone.front(), .cause = Cause::kInterrupted});
    interrupted_ = false;
    return std::exchange(stops_, {});
}

bool KernelTarget::anything_runs() const {
    return std::ranges::any_of(threads_, [](const auto& entry) { return runs(entry.second); });
}

bool KernelTarget::runs(const Thread& thread) {
    return !thread.stop && thread.context->launched();
}

// Stops all threads, and waits for that.
void KernelTarget::stand_still() {
    standing_still_ = true;
    for (const auto& [id, thread] : threads_)
        if (!thread.stop) (void)session_->stop(id);
    const auto deadline = std::chrono::steady_clock::now() + kLongestStop;
    while (anything_runs() && wait_for_events(deadline))
        take_events();
    standing_still_ = false;
    running_ = false;
}

// False where the time is over.
bool KernelTarget::wait_for_events(TimePoint deadline) {
    constexpr short kReadable = 1;  // POLLIN
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    const auto seen = host::poll_one(events_->get(), kReadable, left);
    (void)host::take_event(events_->get());
    return seen && *seen != 0;
}

void KernelTarget::take_events() {
    while (const auto event = session_->take_event())
        take_event(*event);
}

void KernelTarget::take_event(const task::TraceEvent& event) {
    if (event.kind == StopKind::kClone) return child_made(event);
    if (event.kind == StopKind::kEnded) return ended(event.context);
    const auto found = threads_.find(event.context);
    // Detached meanwhile.
    if (found == threads_.end() || !event.stopped) return;
    stopped(found->second, event);
}

void KernelTarget::child_made(const task::TraceEvent& event) {
    const auto maker = threads_.find(event.context);
    // Whoever has been let go meanwhile has no child here either.
    if (maker == threads_.end()) return session_->detach(event.child->id());
    const std::uint64_t process = event.record.a;
    Thread child{.context = event.child, .process = process, .maker = maker->second.process};
    // It runs where its maker does; steps are for the maker alone.
    if (maker->second.order) child.order = Resumption{.name = name_of(child)};
    // Its memory is a copy.
    const Process& made_by = processes_[maker->second.process];
    processes_.try_emplace(process,
                           Process{.attached = made_by.attached, .entry_stack = made_by.entry_stack});
    threads_[event.child->id()] = std::move(child);
}

void KernelTarget::stopped(Thread& thread, const task::TraceEvent& event) {
    thread.stop = event.kind;
    thread.reported = false;
    switch (event.kind) {
        case StopKind::kAsked:
            if (const auto maker = std::exchange(thread.maker, std::nullopt))
                return first_stop(thread, *maker);
            // It was stopped for the debugger, unless that wants it to run meanwhile.
            if (running_ && !standing_still_ && thread.order) return resume_thread(thread);
            // One of all those that were attached to is enough to say so.
            if (running_ && !standing_still_ && stops_.empty())
                report(thread, {.cause = Cause::kInterrupted});
            return;
        case StopKind::kPreSyscall:
        case StopKind::kPostSyscall:
            return call_stop(thread, event.kind == StopKind::kPreSyscall);
        case StopKind::kSingleStep:
            return report(thread, {.cause = Cause::kStep});
        case StopKind::kSignal:
        case StopKind::kFault:
            return signal_stop(thread, event);
        case StopKind::kBreakpoint:
            return report(thread, {.cause = Cause::kTrap});
        case StopKind::kExit:
            return leaving(thread, event);
        case StopKind::kSpaceSwitch:
            if (const auto registers = session_->registers(thread.context->id()))
                processes_[thread.process].entry_stack = registers->rsp;
            return report(thread,
                          {.cause = Cause::kExecuted, .path = program_path(thread.process).value_or("")});
        case StopKind::kClone:
        case StopKind::kEnded:
            return;
    }
}

// A thread starts, or a process does: then its memory is complete, which it was not when it was made. Whoever
// made it may have run on since.
void KernelTarget::first_stop(Thread& thread, std::uint64_t maker) {
    processes_[thread.process].announced = true;
    if (maker == thread.process) return go_on(thread);
    const auto parent =
        std::ranges::find_if(threads_, [&](const auto& entry) { return entry.second.process == maker; });
    if (parent == threads_.end()) return go_on(thread);
    stops_.push_back({.name = name_of(parent->second), .cause = Cause::kForked, .child = name_of(thread)});
}

// Whether a child of the process has been started and not been seen yet: gdb hears of it from its parent.
bool KernelTarget::child_is_due(std::uint64_t process) const {
    return std::ranges::any_of(threads_, [&](const auto& entry) {
        const Thread& child = entry.second;
        return child.maker == process && child.process != process && runs(child);
    });
}

void KernelTarget::call_stop(Thread& thread, bool entry) {
    if (entry) {
        const auto registers = session_->registers(thread.context->id());
        thread.number = registers ? static_cast<std::uint32_t>(registers->rax) : 0;
    }
    if (!catches(thread, thread.number)) return go_on(thread);
    report(thread, {.cause = entry ? Cause::kCallEntry : Cause::kCallReturn, .number = thread.number});
}

void KernelTarget::signal_stop(Thread& thread, const task::TraceEvent& event) {
    const bool fault = event.kind == StopKind::kFault;
    thread.number =
        fault ? task::signal_of_exception(event.exception.kind) : static_cast<std::uint32_t>(event.record.a);
    const auto ours = std::ranges::find(sent_, std::pair(thread.process, thread.number));
    if (!fault && ours != sent_.end()) {
        sent_.erase(ours);
        return go_on(thread);
    }
    if (!fault && std::ranges::find(passed_, thread.number) != passed_.end()) return go_on(thread);
    report(thread, {.cause = Cause::kSignal, .number = thread.number});
}

// What a thread ends with is what the process ends with, if it is the last.
void KernelTarget::leaving(Thread& thread, const task::TraceEvent& event) {
    Process& process = processes_[thread.process];
    const auto status = static_cast<std::int32_t>(event.record.a);
    process.killed = event.exception.kind != 0 || !abi::wait_exited(status);
    constexpr int kCodeShift = 8;
    if (event.exception.kind != 0)
        process.status = task::signal_of_exception(event.exception.kind);
    else if (process.killed)
        process.status = static_cast<std::uint32_t>(status) & 0x7f;
    else
        process.status = static_cast<std::uint32_t>(status) >> kCodeShift & 0xff;
    if (child_is_due(thread.process)) return;
    thread.stop.reset();
    (void)session_->resume(thread.context->id(), 0);
}

void KernelTarget::ended(ContextId id) {
    const auto found = threads_.find(id);
    if (found == threads_.end()) return;
    const ThreadName name = name_of(found->second);
    const auto maker = found->second.maker;
    threads_.erase(found);
    if (maker) let_parents_leave(*maker);
    std::erase_if(stops_, [&](const Stop& stop) { return stop.name == name; });
    const bool last = std::ranges::none_of(
        threads_, [&](const auto& entry) { return entry.second.process == name.process; });
    if (!last) return;
    const Process process = processes_[name.process];
    forget(name.process);
    if (!process.announced) return;
    stops_.push_back(
        {.name = name, .cause = process.killed ? Cause::kKilled : Cause::kExited, .number = process.status});
}

// A child that was waited for has ended before its first instruction.
void KernelTarget::let_parents_leave(std::uint64_t process) {
    if (child_is_due(process)) return;
    for (auto& [id, thread] : threads_) {
        if (thread.process != process || thread.stop != StopKind::kExit) continue;
        thread.stop.reset();
        (void)session_->resume(id, 0);
    }
}

void KernelTarget::report(Thread& thread, Stop stop) {
    thread.reported = true;
    std::erase_if(sent_, [&](const auto& sent) { return sent.first == thread.process; });
    stop.name = name_of(thread);
    stops_.push_back(std::move(stop));
}

// After a stop gdb does not hear of. While everything comes to a stand the thread stays where it is.
void KernelTarget::go_on(Thread& thread) {
    if (running_ && !standing_still_ && thread.order) resume_thread(thread);
}

void KernelTarget::resume_thread(Thread& thread) {
    std::uint64_t flags = flags_for(thread);
    const std::uint32_t signal = std::exchange(thread.order->signal, 0);
    const bool before_signal = thread.stop == StopKind::kSignal || thread.stop == StopKind::kFault;
    const bool given = before_signal && signal == thread.number;
    if (before_signal && thread.reported && !given) flags |= PtraceFlags::kPtraceFlagIgnore;
    if (signal != 0 && !given) {
        sent_.emplace_back(thread.process, signal);
        (void)signals_.send(thread.process, signal);
    }
    std::optional<task::StepRange> range;
    if (thread.order->range_begin != thread.order->range_end)
        range = task::StepRange{thread.order->range_begin, thread.order->range_end};
    thread.stop.reset();
    // One that has ended meanwhile reports that.
    (void)session_->resume(thread.context->id(), flags, range);
}

std::uint64_t KernelTarget::flags_for(const Thread& thread) const {
    std::uint64_t flags = PtraceFlags::kPtraceStopBreakpoint | PtraceFlags::kPtraceStopSignal |
                          PtraceFlags::kPtraceStopExit | PtraceFlags::kPtraceEventClone | StopFlags::kFault |
                          StopFlags::kSpaceSwitch;
    if (thread.order->kind == Resumption::Kind::kStep) flags |= PtraceFlags::kPtraceStopSinglestep;
    const auto process = processes_.find(thread.process);
    if (process != processes_.end() && process->second.filter.any) {
        flags |= PtraceFlags::kPtraceStopPreSyscall;
        // The end of a call whose begin was of interest.
        if (thread.stop == StopKind::kPreSyscall && catches(thread, thread.number))
            flags |= PtraceFlags::kPtraceStopPostSyscall;
    }
    return flags;
}

bool KernelTarget::catches(const Thread& thread, std::uint32_t call) const {
    const auto process = processes_.find(thread.process);
    if (process == processes_.end() || !process->second.filter.any) return false;
    const auto& numbers = process->second.filter.numbers;
    return numbers.empty() || std::ranges::find(numbers, call) != numbers.end();
}

}  // namespace halfcell::gdb
