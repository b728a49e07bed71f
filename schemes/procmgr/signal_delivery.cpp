#include "schemes/procmgr/signal_delivery.h"

#include <algorithm>

namespace halfcell::schemes::procmgr {

namespace {

using abi::Signal;

constexpr std::uint64_t kStopSignals = abi::signal_bit(Signal::kStop) | abi::signal_bit(Signal::kTstp) |
                                       abi::signal_bit(Signal::kTtin) | abi::signal_bit(Signal::kTtou);

bool ignored_by_default(std::uint32_t signal) {
    return signal == Signal::kChld || signal == Signal::kUrg || signal == Signal::kWinch ||
           signal == Signal::kCont;
}

bool stops_by_default(std::uint32_t signal) {
    return signal == Signal::kTstp || signal == Signal::kTtin || signal == Signal::kTtou;
}

// Takes pending signals of the first 32 back, wherever they wait.
void clear_pending(const Process& process, std::uint64_t signals) {
    if (auto* const page = process.control()) __atomic_fetch_and(&page->pending, ~signals, __ATOMIC_RELAXED);
    for (const auto& thread : process.threads)
        if (auto* const control = thread->control())
            __atomic_fetch_and(&control->word[0], ~signals, __ATOMIC_RELAXED);
}

// A fork is under way: its parent has yet to announce the child's page and to start it.
bool is_being_made(const Process& process) {
    return process.control() == nullptr && !process.awaited_by_supervisor && process.threads.size() == 1 &&
           process.threads.front()->context->state() == task::RunState::kNotStarted;
}

}  // namespace

Result<void> SignalDelivery::send(Process& process, Thread* thread) {
    const std::uint32_t ruid = process.identity.ruid;
    if (sender_.euid != 0 && sender_.euid != ruid && sender_.ruid != ruid) return fail(Errno::kEPERM);
    if (signal_ == 0 || process.pid == kInitPid) return {};
    // On its way out a tracer may still look at it.
    if (process.state == ProcessState::kExiting && signal_ == Signal::kKill) end_process(process);
    if (!process.alive()) return {};
    auto* const page = process.control();
    // Upstream refuses to signal what has no page yet. A child that is being forked takes its signals when it
    // has one; for others, the default action is the better answer.
    const bool unprepared = page == nullptr || (thread != nullptr && thread->control() == nullptr);
    if (signal_ == Signal::kKill) {
        end_process(process);
    } else if (signal_ == Signal::kCont && process.state == ProcessState::kStopped) {
        continue_process(process);
    } else if (stops(process)) {
        stop_process(process);
    } else if (signal_ <= kLastMergedSignal && is_being_made(process)) {
        process.early_signals[signal_] = abi::sender_info_raw({sender_.pid, sender_.ruid});
    } else if (unprepared) {
        if (!ignored_by_default(signal_)) end_process(process);
    } else if (!abi::signal_will_ignore(*page, signal_, about_stop_)) {
        if (thread == nullptr) return raise_in_process(process, *page);
        raise_in_thread(*thread);
    }
    return {};
}

void SignalDelivery::continue_process(Process& process) {
    process.state = ProcessState::kRunning;
    clear_pending(process, kStopSignals);
    auto* const page = process.control();
    if (page != nullptr && !abi::signal_will_ignore(*page, Signal::kCont, false)) {
        __atomic_fetch_or(&page->pending, abi::signal_bit(Signal::kCont), __ATOMIC_RELEASE);
        interrupt_one(process);
    }
    for (const auto& thread : process.threads)
        if (thread->context->unstop())
            effects_.push_back({.kind = SignalEffect::Kind::kStart, .context = thread->context});
    tell_parent(process, {ChildChange::Kind::kContinued, abi::kWaitStatusContinued});
}

bool SignalDelivery::stops(const Process& process) const {
    if (signal_ == Signal::kStop) return true;
    const auto* const page = process.control();
    return page != nullptr ? abi::signal_will_stop(*page, signal_) : stops_by_default(signal_);
}

void SignalDelivery::stop_process(Process& process) {
    if (process.state == ProcessState::kStopped) return;
    if (signal_ != Signal::kStop && group_is_orphaned(processes_, process.group)) return;
    process.state = ProcessState::kStopped;
    clear_pending(process, abi::signal_bit(Signal::kCont));
    // A thread that has died meanwhile needs no stop.
    for (const auto& thread : process.threads)
        (void)thread->context->stop();
    tell_parent(process, {ChildChange::Kind::kStopped, abi::wait_status_stopped(signal_)});
}

void SignalDelivery::end_process(const Process& process) {
    effects_.push_back({.kind = SignalEffect::Kind::kExit, .pid = process.pid, .signal = signal_});
}

void SignalDelivery::raise_in_thread(Thread& thread) {
    abi::Sigcontrol& control = *thread.control();
    if (signal_ <= kLastMergedSignal) {
        const std::uint64_t from = abi::sender_info_raw({sender_.pid, sender_.ruid});
        __atomic_store_n(&control.sender_infos[signal_ - 1], from, __ATOMIC_RELAXED);
    }
    if (!abi::raise_for_thread(control, signal_)) return;
    effects_.push_back({.kind = SignalEffect::Kind::kRaised, .context = thread.context});
}

Result<void> SignalDelivery::raise_in_process(Process& process, abi::SigProcControl& page) {
    if ((info_ != nullptr) != (signal_ > kLastMergedSignal)) return fail(Errno::kESRCH);
    if (info_ != nullptr) {
        auto& queue = process.queued[signal_];
        if (queue.size() >= kQueueLimit) return fail(Errno::kEAGAIN);
        queue.push_back(*info_);
    } else {
        const std::uint64_t from = abi::sender_info_raw({sender_.pid, sender_.ruid});
        __atomic_store_n(&page.sender_infos[signal_ - 1], from, __ATOMIC_RELAXED);
    }
    __atomic_fetch_or(&page.pending, abi::signal_bit(signal_), __ATOMIC_RELEASE);
    interrupt_one(process);
    return {};
}

// Wakes the first thread that allows the signal. Where none does, it waits for one to.
void SignalDelivery::interrupt_one(const Process& process) {
    const auto thread = std::ranges::find_if(process.threads, [this](const auto& candidate) {
        const auto* const control = candidate->control();
        return control != nullptr && (abi::allowed_set(*control) & abi::signal_bit(signal_)) != 0;
    });
    if (thread == process.threads.end()) return;
    effects_.push_back({.kind = SignalEffect::Kind::kRaised, .context = (*thread)->context});
}

void SignalDelivery::tell_parent(const Process& process, ChildChange change) {
    const auto parent = processes_.find(process.parent);
    if (process.parent == kInitPid || parent == processes_.end()) return;
    parent->second.changes[process.pid] = change;
    parent->second.waiting->notify_all();
    // The child's own rights count; a parent of another user is not told by signal.
    (void)SignalDelivery(processes_, Sender::of(process), Signal::kChld, effects_, nullptr, true)
        .to(parent->second);
}

}  // namespace halfcell::schemes::procmgr
