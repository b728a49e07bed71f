// The calls on a process descriptor that are not about signals.
// Source: base:bootstrap/src/procmgr.rs; the protocol in spec form: abi/proc_call.h.

#include <algorithm>
#include <cstring>

#include "abi/sigabi.h"
#include "kernel_shim/base/utf8.h"
#include "schemes/procmgr/procmgr_scheme.h"

namespace halfcell::schemes::procmgr {

namespace {

Pid pid_or_self(Pid self, std::uint64_t target) {
    return target == 0 ? self : static_cast<Pid>(target);
}

// The process a call is about, next to the one that makes it.
struct Pair {
    Process& self;
    Process& target;
};

Result<Pair> find_pair(ProcessMap& processes, Pid self, std::uint64_t target) {
    const auto own = processes.find(self);
    const auto other = processes.find(pid_or_self(self, target));
    if (own == processes.end() || other == processes.end()) return fail(Errno::kESRCH);
    return Pair{own->second, other->second};
}

// Whoever waits for children of the process looks again: it may have none in the group it asked for.
void wake_parent(ProcessMap& processes, const Process& child) {
    const auto parent = processes.find(child.parent);
    if (parent != processes.end()) parent->second.waiting->notify_all();
}

}  // namespace

Result<std::uint64_t> ProcmgrScheme::process_call(const scheme::Caller& caller, Pid pid, abi::ProcCall verb,
                                                  const CallWords& words, const mem::UserInOut& payload) {
    using abi::ProcCall;
    switch (verb) {
        case ProcCall::kWaitpid:
        case ProcCall::kWaitpgid: {
            using Kind = WaitTarget::Kind;
            const auto number = static_cast<Pid>(TRY(words[0]));
            const Kind by_pid = number == 0 ? Kind::kAnyChild : Kind::kChild;
            const WaitTarget target{verb == ProcCall::kWaitpgid ? Kind::kGroup : by_pid, number};
            return wait(caller, pid, target, TRY(words[1]), payload);
        }
        case ProcCall::kSetrens:
            return fail(Errno::kEINVAL);
        case ProcCall::kExit:
            return exit(pid, TRY(words[0]));
        case ProcCall::kSetResugid:
            return set_ids(pid, payload);
        case ProcCall::kSetpgid: {
            const std::uint64_t target = TRY(words[0]);
            const std::uint64_t group = TRY(words[1]);
            return group == abi::kQueryPgid ? query_group(pid, target) : set_group(pid, target, group);
        }
        case ProcCall::kGetsid:
            return session_of(pid, TRY(words[0]));
        case ProcCall::kSetsid:
            return make_session(pid);
        case ProcCall::kKill: {
            const std::uint64_t target = TRY(words[0]);
            return kill(caller, pid, target, TRY(words[1]), {});
        }
        case ProcCall::kSigq: {
            const std::uint64_t target = TRY(words[0]);
            const std::uint64_t signal = TRY(words[1]);
            if (payload.size() != sizeof(abi::RtSigInfo)) return fail(Errno::kEINVAL);
            return kill(caller, pid, target, signal, TRY(payload.in().read_exact<abi::RtSigInfo>()));
        }
        case ProcCall::kSyncSigPctl:
            return sync_process_page(pid);
        case ProcCall::kSigdeq:
            return dequeue_signal(pid, payload);
        case ProcCall::kGetppid:
            return processes_.with(
                pid, [](const Process& process) -> Result<std::uint64_t> { return process.parent; });
        case ProcCall::kRename:
            return rename(pid, payload);
        case ProcCall::kDisableSetpgid:
            return begin_program(caller, pid);
        case ProcCall::kGetProcCredentials:
            return fail(Errno::kEACCES);
        case ProcCall::kSetProcPriority: {
            const std::uint64_t target = TRY(words[0]);
            return set_priority(pid, target, TRY(words[1]));
        }
        case ProcCall::kGetProcPriority:
            return priority_of(pid_or_self(pid, TRY(words[0])));
    }
    return fail(Errno::kEINVAL);
}

Result<std::uint64_t> ProcmgrScheme::wait(const scheme::Caller& caller, Pid pid, WaitTarget target,
                                          std::uint64_t flags, const mem::UserInOut& payload) {
    constexpr std::uint64_t kKnown =
        abi::WaitFlags::kNohang | abi::WaitFlags::kUntraced | abi::WaitFlags::kContinued;
    if ((flags & ~kKnown) != 0) return fail(Errno::kEINVAL);
    const ChildNews news = TRY(processes_.wait_for_child(pid, target, flags, caller.waiter));
    // Programs pass a usize; the status is its first half, and a smaller payload asks for none.
    if (news.pid != 0 && payload.size() >= sizeof news.wait_status)
        TRY(payload.out().write_exact(news.wait_status));
    return news.pid;
}

Result<std::uint64_t> ProcmgrScheme::exit(Pid pid, std::uint64_t word) {
    ExitStatus status = ExitStatus::exited(static_cast<std::uint32_t>(word));
    if (!abi::exit_word_is_code(word)) {
        const std::uint32_t signal = abi::exit_word_signal(word);
        if (signal == 0 || signal > abi::kSignalCount) return fail(Errno::kEINVAL);
        status = ExitStatus::signaled(signal);
    }
    const auto contexts = TRY(processes_.begin_exit(pid, status));
    for (const auto& context : contexts)
        context->announce_exit(status.wait_status());
    kill_all(contexts);
    return 0;
}

// What a process does last before it becomes another program. Its other threads would go on in the program
// that was: upstream leaves them there, POSIX ends them. Who is no thread of the process ends none.
Result<std::uint64_t> ProcmgrScheme::begin_program(const scheme::Caller& caller, Pid pid) {
    using Contexts = std::vector<std::shared_ptr<task::Context>>;
    kill_all(TRY(processes_.with(pid, [&](Process& process) -> Result<Contexts> {
        process.setpgid_disabled = true;
        Contexts others;
        bool is_own = false;
        for (const auto& thread : process.threads) {
            if (thread->context->id() == caller.context) {
                is_own = true;
            } else {
                others.push_back(thread->context);
            }
        }
        return is_own ? others : Contexts{};
    })));
    return 0;
}

Result<std::uint64_t> ProcmgrScheme::set_ids(Pid pid, const mem::UserInOut& payload) {
    if (payload.size() != sizeof(abi::Resugid)) return fail(Errno::kEINVAL);
    const auto wanted = TRY(payload.in().read_exact<abi::Resugid>());
    return processes_.with(pid, [&](Process& process) -> Result<std::uint64_t> {
        const Identity old = process.identity;
        const auto allowed = [&](std::uint32_t id, std::uint32_t real, std::uint32_t effective,
                                 std::uint32_t saved) {
            return id == abi::kKeepId || old.euid == 0 || id == real || id == effective || id == saved;
        };
        for (const std::uint32_t uid : {wanted.ruid, wanted.euid, wanted.suid})
            if (!allowed(uid, old.ruid, old.euid, old.suid)) return fail(Errno::kEPERM);
        for (const std::uint32_t gid : {wanted.rgid, wanted.egid, wanted.sgid})
            if (!allowed(gid, old.rgid, old.egid, old.sgid)) return fail(Errno::kEPERM);
        const auto set = [](std::uint32_t& id, std::uint32_t value) {
            if (value != abi::kKeepId) id = value;
        };
        set(process.identity.ruid, wanted.ruid);
        set(process.identity.euid, wanted.euid);
        set(process.identity.suid, wanted.suid);
        set(process.identity.rgid, wanted.rgid);
        set(process.identity.egid, wanted.egid);
        set(process.identity.sgid, wanted.sgid);
        process.publish_attributes();
        return 0;
    });
}

Result<std::uint64_t> ProcmgrScheme::rename(Pid pid, const mem::UserInOut& payload) {
    std::array<char, abi::kProcessNameLength> buffer{};
    const std::size_t size = std::min<std::size_t>(payload.size(), buffer.size());
    TRY(payload.in().read(0, std::as_writable_bytes(std::span(buffer.data(), size))));
    std::string name(buffer.data(), strnlen(buffer.data(), size));
    if (!is_utf8(name)) return fail(Errno::kEINVAL);
    return processes_.with(pid, [&](Process& process) -> Result<std::uint64_t> {
        process.name = std::move(name);
        process.publish_attributes();
        return 0;
    });
}

Result<std::uint64_t> ProcmgrScheme::set_group(Pid pid, std::uint64_t target, std::uint64_t group) {
    return processes_.with_all([&](ProcessMap& processes) -> Result<std::uint64_t> {
        auto [self, process] = TRY(find_pair(processes, pid, target));
        const Pid wanted = pid_or_self(process.pid, group);
        if (process.pid != pid && process.parent != pid) return fail(Errno::kESRCH);
        if (process.session == process.pid) return fail(Errno::kEPERM);
        if (process.session != self.session) return fail(Errno::kEPERM);
        const bool exists =
            std::ranges::any_of(processes, [&](const auto& entry) { return entry.second.group == wanted; });
        if (wanted != process.pid && !exists) return fail(Errno::kEPERM);
        if (process.parent == pid && process.setpgid_disabled) return fail(Errno::kEACCES);
        process.group = wanted;
        wake_parent(processes, process);
        return 0;
    });
}

Result<std::uint64_t> ProcmgrScheme::query_group(Pid pid, std::uint64_t target) {
    return processes_.with_all([&](ProcessMap& processes) -> Result<std::uint64_t> {
        const auto [self, process] = TRY(find_pair(processes, pid, target));
        if (process.session != self.session && self.identity.euid != 0) return fail(Errno::kEPERM);
        return process.group;
    });
}

Result<std::uint64_t> ProcmgrScheme::session_of(Pid pid, std::uint64_t target) {
    return processes_.with_all([&](ProcessMap& processes) -> Result<std::uint64_t> {
        const auto [self, process] = TRY(find_pair(processes, pid, target));
        if (process.session != self.session && self.identity.euid != 0) return fail(Errno::kEPERM);
        return process.session;
    });
}

Result<std::uint64_t> ProcmgrScheme::make_session(Pid pid) {
    return processes_.with_all([&](ProcessMap& processes) -> Result<std::uint64_t> {
        const auto own = processes.find(pid);
        if (own == processes.end()) return fail(Errno::kESRCH);
        const bool leads =
            std::ranges::any_of(processes, [&](const auto& entry) { return entry.second.group == pid; });
        if (leads) return fail(Errno::kEPERM);
        own->second.group = pid;
        own->second.session = pid;
        wake_parent(processes, own->second);
        return 0;
    });
}

Result<std::uint64_t> ProcmgrScheme::set_priority(Pid pid, std::uint64_t target, std::uint64_t priority) {
    if (priority >= abi::kPriorityCount) return fail(Errno::kEINVAL);
    return processes_.with_all([&](ProcessMap& processes) -> Result<std::uint64_t> {
        auto [self, process] = TRY(find_pair(processes, pid, target));
        const std::uint32_t euid = self.identity.euid;
        if (euid != 0 && euid != process.identity.euid) return fail(Errno::kEPERM);
        process.priority = static_cast<std::uint32_t>(priority);
        process.publish_attributes();
        return 0;
    });
}

Result<std::uint64_t> ProcmgrScheme::priority_of(Pid target) {
    return processes_.with(target,
                           [](const Process& process) -> Result<std::uint64_t> { return process.priority; });
}

}  // namespace halfcell::schemes::procmgr
