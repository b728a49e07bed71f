// Signals, as far as the process manager has a part in them: who may send, what is ignored, and the bits in
// the pages that programs share with it. Jumping to the handler is task's and the program's doing. Source:
// base:bootstrap/src/procmgr.rs, spec userland-contract 2.8.

#include <algorithm>
#include <iterator>
#include <utility>

#include "abi/sigabi.h"
#include "schemes/procmgr/procmgr_scheme.h"

namespace halfcell::schemes::procmgr {

namespace {

// Who is meant by the word of a Kill, sign-extended as kill(2) has it. `group` is the sender's.
bool meant(std::int64_t target, Pid group, const Process& process) {
    if (target > 0) return static_cast<std::int64_t>(process.pid) == target;
    if (target == 0) return process.group == group;
    // A group can be negated; the smallest of the words of a guest cannot.
    return target == -1 || -static_cast<std::int64_t>(process.group) == target;
}

// One success outweighs every failure; ESRCH where nobody is meant.
Result<void> send_to_all(ProcessMap& processes, std::int64_t target, Pid group, SignalDelivery& delivery) {
    Result<void> outcome = fail(Errno::kESRCH);
    for (auto& [pid, process] : processes) {
        if (!meant(target, group, process)) continue;
        const Result<void> sent = delivery.to(process);
        if (sent || !outcome) outcome = sent;
    }
    return outcome;
}

// The answer to who has sent a signal: ERESTART tells the thread to look at its own signals before the call
// returns. Upstream says so, too, where another thread of its process was chosen; the thread then runs a
// handler that was not meant for it.
Result<std::uint64_t> answer(const scheme::Caller& caller, const SignalEffects& effects) {
    const bool chosen = std::ranges::any_of(effects, [&](const SignalEffect& effect) {
        if (effect.kind == SignalEffect::Kind::kExit) return effect.pid == caller.pid;
        return effect.kind == SignalEffect::Kind::kRaised && effect.context->id() == caller.context;
    });
    if (chosen) return fail(Errno::kERESTART);
    return 0;
}

// What was sent to a process while it became another program waits in a page that nobody looks at any more.
// Upstream loses it. Returns whether there was anything.
bool move_pending(abi::SigProcControl& from, abi::SigProcControl& to) {
    std::uint64_t waiting = __atomic_exchange_n(&from.pending, 0, __ATOMIC_ACQ_REL);
    for (std::uint32_t signal = 1; signal <= abi::kSignalCount; ++signal) {
        const std::uint64_t bit = abi::signal_bit(signal);
        if ((waiting & bit) == 0) continue;
        if (abi::signal_will_ignore(to, signal, false)) waiting &= ~bit;
        if (signal <= kLastMergedSignal)
            __atomic_store_n(&to.sender_infos[signal - 1], abi::load_relaxed(from.sender_infos[signal - 1]),
                             __ATOMIC_RELAXED);
    }
    __atomic_fetch_or(&to.pending, waiting, __ATOMIC_RELEASE);
    return waiting != 0;
}

// The same for what came for a forked process before it had a page.
bool take_early_signals(Process& process, abi::SigProcControl& page) {
    std::uint64_t waiting = 0;
    for (const auto& [signal, sender] : std::exchange(process.early_signals, {})) {
        if (abi::signal_will_ignore(page, signal, false)) continue;
        __atomic_store_n(&page.sender_infos[signal - 1], sender, __ATOMIC_RELAXED);
        waiting |= abi::signal_bit(signal);
    }
    __atomic_fetch_or(&page.pending, waiting, __ATOMIC_RELEASE);
    return waiting != 0;
}

bool move_pending(abi::Sigcontrol& from, abi::Sigcontrol& to) {
    constexpr std::uint64_t kPendingHalf = 0xffffffff;
    bool any = false;
    for (std::size_t half = 0; half < std::size(from.word); ++half) {
        const std::uint64_t waiting =
            __atomic_fetch_and(&from.word[half], ~kPendingHalf, __ATOMIC_ACQ_REL) & kPendingHalf;
        __atomic_fetch_or(&to.word[half], waiting, __ATOMIC_RELEASE);
        any = any || waiting != 0;
    }
    for (std::size_t i = 0; any && i < std::size(from.sender_infos); ++i)
        __atomic_store_n(&to.sender_infos[i], abi::load_relaxed(from.sender_infos[i]), __ATOMIC_RELAXED);
    return any;
}

}  // namespace

void ProcmgrScheme::carry_out(const SignalEffects& effects) {
    for (const SignalEffect& effect : effects) {
        switch (effect.kind) {
            case SignalEffect::Kind::kRaised:
                effect.context->signal_raised();
                break;
            case SignalEffect::Kind::kStart:
                // One that fails to start is dead, and counted by its death.
                (void)kernel_.workers.start(effect.context);
                break;
            case SignalEffect::Kind::kExit:
                (void)terminate(effect.pid, effect.signal);
                break;
        }
    }
}

Result<std::uint64_t> ProcmgrScheme::kill(const scheme::Caller& caller, Pid pid, std::uint64_t target,
                                          std::uint64_t signal, std::optional<abi::RtSigInfo> info) {
    if (signal > abi::kSignalCount) return fail(Errno::kEINVAL);
    SignalEffects effects;
    const Result<void> sent = processes_.with_all([&](ProcessMap& processes) -> Result<void> {
        const auto found = processes.find(pid);
        if (found == processes.end()) return fail(Errno::kESRCH);
        const Sender sender = Sender::of(found->second);
        if (info) {
            info->pid = pid;
            info->uid = sender.ruid;
        }
        SignalDelivery delivery(processes, sender, static_cast<std::uint32_t>(signal), effects,
                                info ? &*info : nullptr);
        return send_to_all(processes, static_cast<std::int64_t>(target), found->second.group, delivery);
    });
    carry_out(effects);
    TRY(sent);
    return answer(caller, effects);
}

Result<void> ProcmgrScheme::signal_as_init(std::int64_t target, std::uint32_t signal) {
    SignalEffects effects;
    Result<void> sent = processes_.with_all([&](ProcessMap& processes) {
        SignalDelivery delivery(processes, Sender::init(), signal, effects);
        return send_to_all(processes, target, kInitPid, delivery);
    });
    carry_out(effects);
    return sent;
}

Result<std::uint64_t> ProcmgrScheme::thread_call(const scheme::Caller& caller, const ThreadHandle& handle,
                                                 const CallWords& words) {
    const std::uint64_t verb = TRY(words[0]);
    switch (static_cast<abi::ThreadCall>(verb)) {
        case abi::ThreadCall::kSyncSigTctl:
            return sync_thread_page(handle);
        case abi::ThreadCall::kSignalThread:
            return signal_thread(caller, handle, TRY(words[1]));
    }
    return fail(Errno::kEINVAL);
}

Result<std::uint64_t> ProcmgrScheme::sync_process_page(Pid pid) {
    std::shared_ptr<task::Context> woken;
    TRY(processes_.with(pid, [&](Process& process) -> Result<void> {
        if (process.threads.empty()) return fail(Errno::kEINVAL);
        const auto& context = process.threads.front()->context;
        const auto signals = context->signals();
        if (signals == nullptr) return fail(Errno::kEBADF);
        auto* const old_page = process.control();
        const auto replaced = std::exchange(process.signal_page, signals->proc_control);
        auto& page = *process.control();
        if (old_page != nullptr && old_page != &page && move_pending(*old_page, page)) woken = context;
        if (take_early_signals(process, page)) woken = context;
        return {};
    }));
    if (woken) woken->signal_raised();
    return 0;
}

Result<std::uint64_t> ProcmgrScheme::sync_thread_page(const ThreadHandle& handle) {
    const auto& context = handle.thread->context;
    if (context->state() == task::RunState::kDead) return fail(Errno::kEOWNERDEAD);
    const auto signals = context->signals();
    if (signals == nullptr) return fail(Errno::kEBADF);
    const bool moved = TRY(processes_.with(handle.pid, [&](Process&) -> Result<bool> {
        auto* const old_control = handle.thread->control();
        const auto replaced = std::exchange(handle.thread->signal_page, signals->thread_control);
        auto& control = *handle.thread->control();
        return old_control != nullptr && old_control != &control && move_pending(*old_control, control);
    }));
    if (moved) context->signal_raised();
    return 0;
}

Result<std::uint64_t> ProcmgrScheme::signal_thread(const scheme::Caller& caller, const ThreadHandle& handle,
                                                   std::uint64_t signal) {
    if (signal > abi::kSignalCount) return fail(Errno::kEINVAL);
    const task::Context& context = *handle.thread->context;
    if (context.state() == task::RunState::kDead) return fail(Errno::kEOWNERDEAD);
    SignalEffects effects;
    const Result<void> sent = processes_.with_all([&](ProcessMap& processes) -> Result<void> {
        const auto found = processes.find(handle.pid);
        if (found == processes.end()) return fail(Errno::kESRCH);
        return SignalDelivery(processes, Sender::of(found->second), static_cast<std::uint32_t>(signal),
                              effects)
            .to(found->second, *handle.thread);
    });
    carry_out(effects);
    TRY(sent);
    return answer(caller, effects);
}

Result<std::uint64_t> ProcmgrScheme::dequeue_signal(Pid pid, const mem::UserInOut& payload) {
    if (payload.size() < sizeof(abi::RtSigInfo)) return fail(Errno::kEINVAL);
    const auto index = TRY(payload.in().read_exact<std::uint32_t>());
    if (index >= kQueuedSignals) return fail(Errno::kEINVAL);
    const std::uint32_t signal = kLastMergedSignal + 1 + index;
    const abi::RtSigInfo info = TRY(processes_.with(pid, [&](Process& process) -> Result<abi::RtSigInfo> {
        auto* const page = process.control();
        if (page == nullptr) return fail(Errno::kEBADF);
        const auto queue = process.queued.find(signal);
        if (queue == process.queued.end()) return fail(Errno::kEAGAIN);
        const abi::RtSigInfo first = queue->second.front();
        queue->second.pop_front();
        if (queue->second.empty()) {
            process.queued.erase(queue);
            __atomic_fetch_and(&page->pending, ~abi::signal_bit(signal), __ATOMIC_RELAXED);
        }
        return first;
    }));
    TRY(payload.out().write_exact(info));
    return 0;
}

}  // namespace halfcell::schemes::procmgr
