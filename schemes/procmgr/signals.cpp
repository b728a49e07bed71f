// Signals, as far as the process manager has a part in them: who may send, what is ignored, and the bits in
// the pages that programs share with it. Jumping to the handler is the program's own doing. Source:
// base:bootstrap/src/procmgr.rs, spec userland-contract 2.8.

#include <algorithm>

#include "abi/sigabi.h"
#include "schemes/procmgr/procmgr_scheme.h"

namespace halfcell::schemes::procmgr {

namespace {

using abi::Signal;

bool ignored_by_default(std::uint32_t signal) {
    return signal == Signal::kChld || signal == Signal::kUrg || signal == Signal::kWinch ||
           signal == Signal::kCont;
}

bool stops_by_default(std::uint32_t signal) {
    return signal == Signal::kTstp || signal == Signal::kTtin || signal == Signal::kTtou;
}

bool permitted(const Process& sender, const Process& target) {
    const std::uint32_t ruid = target.identity.ruid;
    return sender.identity.euid == 0 || sender.identity.euid == ruid || sender.identity.ruid == ruid;
}

// Who is meant by the word of a Kill, sign-extended as kill(2) has it.
bool meant(std::int64_t target, const Process& sender, const Process& process) {
    if (target > 0) return static_cast<std::int64_t>(process.pid) == target;
    if (target == 0) return process.group == sender.group;
    return target == -1 || static_cast<std::int64_t>(process.group) == -target;
}

void for_each_thread(const Process& process, SignalEffect::Kind kind, std::vector<SignalEffect>& effects) {
    for (const auto& thread : process.threads)
        effects.push_back({.kind = kind, .context = thread->context});
}

// A sent signal on its way into one process.
struct Sending {
    const Process& sender;
    std::uint32_t signal;
    // What Sigq adds; null for Kill.
    const abi::RtSigInfo* info;
    std::vector<SignalEffect>& effects;

    // Returns whether a thread of the sender's own process is to be interrupted.
    Result<bool> to(Process& process) const {
        if (!permitted(sender, process)) return fail(Errno::kEPERM);
        if (signal == 0 || !process.alive()) return false;
        if (signal == Signal::kKill) return exit(process);
        auto* const page =
            process.signal_page ? process.signal_page->structure<abi::SigProcControl>() : nullptr;
        if (signal == Signal::kCont && process.state == ProcessState::kStopped) {
            process.state = ProcessState::kRunning;
            for_each_thread(process, SignalEffect::Kind::kUnstop, effects);
        }
        const bool stops = signal == Signal::kStop || (page != nullptr ? abi::signal_will_stop(*page, signal)
                                                                       : stops_by_default(signal));
        if (stops) {
            process.state = ProcessState::kStopped;
            for_each_thread(process, SignalEffect::Kind::kStop, effects);
            return false;
        }
        // Upstream refuses to signal what has no page yet; the default action is the better answer.
        if (page == nullptr) return ignored_by_default(signal) ? Result<bool>(false) : exit(process);
        if (abi::signal_will_ignore(*page, signal, false)) return false;
        if ((info != nullptr) != (signal > kLastMergedSignal)) return fail(Errno::kESRCH);
        if (info != nullptr) {
            auto& queue = process.queued[signal - kLastMergedSignal - 1];
            if (queue.size() >= kQueueLimit) return fail(Errno::kEAGAIN);
            queue.push_back(*info);
        }
        return raise(process, *page);
    }

  private:
    Result<bool> exit(const Process& process) const {
        effects.push_back({.kind = SignalEffect::Kind::kExit, .pid = process.pid, .signal = signal});
        return process.pid == sender.pid;
    }
    // Sets the bit and wakes the first thread that allows the signal.
    [[nodiscard]] bool raise(const Process& process, abi::SigProcControl& page) const {
        if (signal <= kLastMergedSignal) {
            const std::uint64_t from = abi::sender_info_raw({sender.pid, sender.identity.ruid});
            __atomic_store_n(&page.sender_infos[signal - 1], from, __ATOMIC_RELAXED);
        }
        __atomic_fetch_or(&page.pending, abi::signal_bit(signal), __ATOMIC_RELEASE);
        for (const auto& thread : process.threads) {
            const auto entry = std::ranges::find_if(process.thread_pages, [&](const auto& candidate) {
                return candidate.first == thread->context->id();
            });
            if (entry == process.thread_pages.end()) continue;
            const auto* const control = entry->second.structure<abi::Sigcontrol>();
            if (control == nullptr || (abi::allowed_set(*control) & abi::signal_bit(signal)) == 0) continue;
            effects.push_back({.kind = SignalEffect::Kind::kInterrupt, .context = thread->context});
            return process.pid == sender.pid;
        }
        return false;
    }
};

}  // namespace

void ProcmgrScheme::carry_out(const std::vector<SignalEffect>& effects) {
    for (const SignalEffect& effect : effects) {
        switch (effect.kind) {
            case SignalEffect::Kind::kInterrupt:
                effect.context->interrupt();
                break;
            case SignalEffect::Kind::kStop:
                (void)effect.context->stop();
                break;
            case SignalEffect::Kind::kUnstop:
                // One that fails to start is dead, and counted by its death.
                if (effect.context->unstop()) (void)kernel_.workers.start(effect.context);
                break;
            case SignalEffect::Kind::kExit:
                (void)terminate(effect.pid, effect.signal);
                break;
        }
    }
}

Result<std::uint64_t> ProcmgrScheme::kill(Pid pid, std::uint64_t target, std::uint64_t signal,
                                          std::optional<abi::RtSigInfo> info) {
    if (signal > abi::kSignalCount) return fail(Errno::kEINVAL);
    std::vector<SignalEffect> effects;
    const Result<bool> own = processes_.with_all([&](ProcessTable::Map& processes) -> Result<bool> {
        const auto sender = processes.find(pid);
        if (sender == processes.end()) return fail(Errno::kESRCH);
        if (info) {
            info->pid = pid;
            info->uid = sender->second.identity.ruid;
        }
        const Sending sending{sender->second, static_cast<std::uint32_t>(signal), info ? &*info : nullptr,
                              effects};
        Result<bool> outcome = fail(Errno::kESRCH);
        bool own_interrupted = false;
        for (auto& [candidate_pid, candidate] : processes) {
            if (!meant(static_cast<std::int64_t>(target), sender->second, candidate)) continue;
            const Result<bool> sent = sending.to(candidate);
            own_interrupted = own_interrupted || (sent && *sent);
            // One success outweighs every failure.
            if (sent || !outcome) outcome = sent;
        }
        if (outcome) outcome = own_interrupted;
        return outcome;
    });
    if (!own) return fail(own.error());
    carry_out(effects);
    // Tells the program to look at its signals before the call returns.
    if (*own) return fail(Errno::kERESTART);
    return 0;
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
    return processes_.with(pid, [](Process& process) -> Result<std::uint64_t> {
        if (process.threads.empty()) return fail(Errno::kEINVAL);
        const auto signals = process.threads.front()->context->signals();
        if (signals == nullptr) return fail(Errno::kEBADF);
        process.signal_page = signals->proc_control;
        return 0;
    });
}

Result<std::uint64_t> ProcmgrScheme::sync_thread_page(const ThreadHandle& handle) {
    const task::Context& context = *handle.thread->context;
    if (context.state() == task::RunState::kDead) return fail(Errno::kEOWNERDEAD);
    const auto signals = context.signals();
    if (signals == nullptr) return fail(Errno::kEBADF);
    return processes_.with(handle.pid, [&](Process& process) -> Result<std::uint64_t> {
        std::erase_if(process.thread_pages, [&](const auto& page) { return page.first == context.id(); });
        process.thread_pages.emplace_back(context.id(), signals->thread_control);
        return 0;
    });
}

Result<std::uint64_t> ProcmgrScheme::signal_thread(const scheme::Caller& caller, const ThreadHandle& handle,
                                                   std::uint64_t signal) {
    if (signal > abi::kSignalCount) return fail(Errno::kEINVAL);
    task::Context& context = *handle.thread->context;
    if (context.state() == task::RunState::kDead) return fail(Errno::kEOWNERDEAD);
    if (signal == 0) return 0;
    const auto number = static_cast<std::uint32_t>(signal);
    if (number == Signal::kKill || number == Signal::kStop) return kill(handle.pid, handle.pid, number, {});
    bool by_default = false;
    const bool wake = TRY(processes_.with(handle.pid, [&](const Process& process) -> Result<bool> {
        const auto entry = std::ranges::find_if(
            process.thread_pages, [&](const auto& candidate) { return candidate.first == context.id(); });
        auto* const control = entry == process.thread_pages.end()
                                  ? nullptr
                                  : entry->second.template structure<abi::Sigcontrol>();
        by_default = control == nullptr;
        if (by_default) return false;
        if (number <= kLastMergedSignal) {
            const std::uint64_t info = abi::sender_info_raw({process.pid, process.identity.ruid});
            __atomic_store_n(&control->sender_infos[number - 1], info, __ATOMIC_RELAXED);
        }
        return abi::raise_for_thread(*control, number);
    }));
    if (by_default) return kill(handle.pid, handle.pid, number, {});
    if (!wake) return 0;
    context.interrupt();
    if (context.id() == caller.context) return fail(Errno::kERESTART);
    return 0;
}

Result<std::uint64_t> ProcmgrScheme::dequeue_signal(Pid pid, const mem::UserInOut& payload) {
    if (payload.size() < sizeof(abi::RtSigInfo)) return fail(Errno::kEINVAL);
    const auto index = TRY(payload.in().read_exact<std::uint32_t>());
    if (index >= kQueuedSignals) return fail(Errno::kEINVAL);
    const abi::RtSigInfo info = TRY(processes_.with(pid, [&](Process& process) -> Result<abi::RtSigInfo> {
        if (!process.signal_page) return fail(Errno::kEBADF);
        auto& queue = process.queued[index];
        if (queue.empty()) return fail(Errno::kEAGAIN);
        const abi::RtSigInfo first = queue.front();
        queue.pop_front();
        auto* const page = process.signal_page->structure<abi::SigProcControl>();
        const std::uint64_t bit = abi::signal_bit(kLastMergedSignal + 1 + index);
        if (queue.empty() && page != nullptr) __atomic_fetch_and(&page->pending, ~bit, __ATOMIC_RELAXED);
        return first;
    }));
    TRY(payload.out().write_exact(info));
    return 0;
}

}  // namespace halfcell::schemes::procmgr
