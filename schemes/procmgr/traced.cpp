// "PID/trace", "PID/mem", "PID/regs/…": other processes as a tracer opens them. Upstream's process manager
// has no such names in this snapshot; relibc's ptrace() opens them. Source: Redox RFC 0004;
// kernel:src/scheme/proc.rs of the time when it served them.

#include <algorithm>
#include <charconv>

#include "abi/flags.h"
#include "abi/sigabi.h"
#include "schemes/kernel/proc/trace_handle.h"
#include "schemes/procmgr/procmgr_scheme.h"

namespace halfcell::schemes::procmgr {

namespace {

// Whether `process` descends from `ancestor`.
bool descends(const ProcessMap& processes, const Process& process, Pid ancestor) {
    Pid parent = process.parent;
    // A chain is no longer than the table.
    for (std::size_t i = 0; i < processes.size(); ++i) {
        if (parent == ancestor) return true;
        const auto found = processes.find(parent);
        if (found == processes.end() || found->second.parent == parent) break;
        parent = found->second.parent;
    }
    return false;
}

// Root may trace anybody, others what descends from them and runs as they do, whoever it was before.
bool may_trace(const ProcessMap& processes, const scheme::Caller& caller, const Process& process) {
    if (caller.uid == 0) return true;
    const Identity& ids = process.identity;
    if (ids.ruid != caller.uid || ids.euid != caller.uid || ids.suid != caller.uid) return false;
    return descends(processes, process, caller.pid);
}

}  // namespace

// ENOENT for what is no number and a name behind it.
Result<scheme::OpenResult> ProcmgrScheme::open_traced(const scheme::Caller& caller, std::string_view path,
                                                      std::uint64_t flags) {
    Pid pid = 0;
    const auto [end, error] = std::from_chars(path.data(), path.data() + path.size(), pid);
    const std::string_view rest(end, static_cast<std::size_t>(path.data() + path.size() - end));
    if (error != std::errc{} || !rest.starts_with('/')) return fail(Errno::kENOENT);
    const std::string_view name = rest.substr(1);
    const bool registers = name == "regs/int" || name == "regs/float" || name == "regs/env";
    if (name != "trace" && name != "mem" && !registers) return fail(Errno::kENOENT);

    using Threads = std::vector<std::shared_ptr<Thread>>;
    const Threads threads = TRY(processes_.with_all([&](ProcessMap& processes) -> Result<Threads> {
        const auto found = processes.find(pid);
        if (found == processes.end() || !found->second.alive() || found->second.threads.empty())
            return fail(Errno::kESRCH);
        if (!may_trace(processes, caller, found->second)) return fail(Errno::kEPERM);
        return found->second.threads;
    }));
    if (name == "trace") {
        const scheme::OpenedHandle opened = TRY(open_trace(caller, pid, threads, flags));
        return describe_kernel(opened, static_cast<std::uint32_t>(flags & abi::OpenFlags::kNonblock));
    }
    const auto stopped =
        std::ranges::find_if(threads, [](const auto& thread) { return thread->context->trace_stopped(); });
    const auto& thread = stopped == threads.end() ? threads.front() : *stopped;
    const auto opened =
        TRY(contexts_->dup(caller, thread->kernel_handle->number(), mem::UserIn::local(name)));
    if (const auto* fresh = std::get_if<scheme::OpenedHandle>(&opened)) return describe_kernel(*fresh);
    return opened;
}

Result<scheme::OpenedHandle> ProcmgrScheme::open_trace(const scheme::Caller& caller, Pid pid,
                                                       const std::vector<std::shared_ptr<Thread>>& threads,
                                                       std::uint64_t flags) {
    // Whoever stops itself has nobody left to let it go on.
    if (pid == caller.pid) return fail(Errno::kEPERM);
    proc::TraceOrder order;
    order.stop = (flags & abi::OpenFlags::kTrunc) != 0;
    order.exclusive = (flags & abi::OpenFlags::kExcl) != 0;
    order.follow = task::TraceSession::Follow::kThreads;
    const std::weak_ptr<ProcmgrScheme> weak = weak_from_this();
    order.kill = [weak, pid] {
        if (const auto self = weak.lock()) (void)self->terminate(pid, abi::Signal::kKill);
    };
    order.on_event = [weak, pid, tracer = caller.pid](const task::TraceEvent& event) {
        const auto self = weak.lock();
        if (self == nullptr || !event.stopped) return;
        const auto context = self->kernel_.contexts.find(event.context);
        if (context) self->processes_.trace_stopped(pid, tracer, **context);
    };
    order.around_resume = [weak, pid](const std::function<void()>& resume) {
        if (const auto self = weak.lock()) return self->processes_.trace_resumed(pid, resume);
        resume();
    };
    for (const auto& thread : threads) {
        order.contexts.push_back(thread->context);
        // A signal has stopped it: it stays where it is when another lets it go, until its tracer does.
        if (thread->context->state() == task::RunState::kStopped) order.stop = true;
    }
    return scheme::OpenedHandle{TRY(contexts_->open_trace(std::move(order)))};
}

}  // namespace halfcell::schemes::procmgr
