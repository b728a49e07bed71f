#include "schemes/procmgr/procmgr_scheme.h"

#include <algorithm>
#include <charconv>

#include "abi/data.h"
#include "abi/flags.h"
#include "abi/sigabi.h"
#include "kernel_shim/task/trace_session.h"

namespace halfcell::schemes::procmgr {

namespace {

constexpr std::uint64_t kHandedOutFlags = abi::OpenFlags::kCreat | abi::OpenFlags::kRdwr;

abi::ProcMeta meta_of(const Process& process) {
    constexpr std::uint32_t kOnlyNamespace = 1;
    return {.pid = process.pid,
            .pgid = process.group,
            .ppid = process.parent,
            .ruid = process.identity.ruid,
            .euid = process.identity.euid,
            .suid = process.identity.suid,
            .rgid = process.identity.rgid,
            .egid = process.identity.egid,
            .sgid = process.identity.sgid,
            .ens = kOnlyNamespace,
            .rns = kOnlyNamespace};
}

const char* state_letter(ProcessState state) {
    switch (state) {
        case ProcessState::kRunning:
            return "R";
        case ProcessState::kStopped:
            return "S";
        case ProcessState::kExiting:
            return "E";
        case ProcessState::kExited:
            break;
    }
    return "X";
}

constexpr std::size_t kNumberColumn = 6;
constexpr std::size_t kStatusColumn = 8;
constexpr std::size_t kNameColumn = 16;

void add_column(std::string& line, std::string_view text, std::size_t width) {
    line += text;
    if (text.size() < width) line.append(width - text.size(), ' ');
}

}  // namespace

std::optional<Pid> ProcmgrScheme::process_of(const Handle& handle) {
    if (const auto* process = std::get_if<ProcessHandle>(&handle)) return process->pid;
    if (const auto* thread = std::get_if<ThreadHandle>(&handle)) return thread->pid;
    return std::nullopt;
}

HandleNumber ProcmgrScheme::add(Handle handle) {
    if (const auto pid = process_of(handle))
        (void)processes_.with(*pid, [](Process& process) -> Result<void> {
            ++process.descriptions;
            return {};
        });
    return handles_.add(std::make_shared<Handle>(std::move(handle)));
}

scheme::DescriptionRef ProcmgrScheme::describe(HandleNumber number) {
    return scheme::DescriptionRef::create({.scheme = shared_from_this(),
                                           .scheme_id = id(),
                                           .number = number,
                                           .flags = static_cast<std::uint32_t>(kHandedOutFlags)});
}

scheme::DescriptionRef ProcmgrScheme::describe_kernel(scheme::OpenedHandle handle, std::uint32_t more_flags) {
    return scheme::DescriptionRef::create({.scheme = contexts_,
                                           .scheme_id = contexts_->id(),
                                           .number = handle.number,
                                           .flags = static_cast<std::uint32_t>(kHandedOutFlags) | more_flags,
                                           .positioned = handle.positioned});
}

void ProcmgrScheme::watch(Pid pid, task::Context& context) {
    context.on_death([self = weak_from_this(), pid](task::Context& dead) {
        if (const auto scheme = self.lock()) scheme->carry_out(scheme->processes_.thread_ended(pid, dead));
    });
}

void ProcmgrScheme::kill_all(const std::vector<std::shared_ptr<task::Context>>& contexts) {
    for (const auto& context : contexts)
        kernel_.workers.kill(context, true);
}

ProcmgrScheme::InitialProcess ProcmgrScheme::create_initial(const std::shared_ptr<task::Context>& context,
                                                            const task::Attributes& attributes,
                                                            InitialSession session) {
    Process process;
    process.identity = {attributes.euid, attributes.euid, attributes.euid,
                        attributes.egid, attributes.egid, attributes.egid};
    process.name = attributes.name;
    process.priority = attributes.priority;
    process.awaited_by_supervisor = true;
    const auto thread = std::make_shared<Thread>(
        Thread{context, describe_kernel({.number = contexts_->open_thread(context)}), {}});
    process.threads.push_back(thread);
    const Pid pid = processes_.add(std::move(process));
    (void)processes_.with(pid, [&](Process& entered) -> Result<void> {
        if (session == InitialSession::kOwn) entered.session = entered.group = pid;
        entered.publish_attributes();
        return {};
    });
    watch(pid, *context);
    return {pid, describe(add(ProcessHandle{pid})), describe(add(ThreadHandle{pid, thread}))};
}

Result<void> ProcmgrScheme::terminate(Pid pid, std::uint32_t signal) {
    const ExitStatus status = ExitStatus::signaled(signal);
    const auto contexts = processes_.begin_exit(pid, status);
    if (!contexts) {
        if (contexts.error() == Errno::kEAGAIN && signal == abi::Signal::kKill)
            kill_all(processes_.contexts_of(pid));
        return fail(contexts.error());
    }
    // No tracer comes between a process and its SIGKILL.
    if (signal != abi::Signal::kKill)
        for (const auto& context : *contexts)
            context->announce_exit(status.wait_status());
    kill_all(*contexts);
    return {};
}

Result<scheme::OpenedHandle> ProcmgrScheme::root() {
    return scheme::OpenedHandle{add(RootHandle{})};
}

Result<scheme::OpenResult> ProcmgrScheme::openat(const scheme::Caller& caller, HandleNumber base,
                                                 std::string_view path, std::uint64_t flags, std::uint32_t) {
    const auto handle = TRY(handles_.find(base));
    if (!std::holds_alternative<RootHandle>(*handle)) return fail(Errno::kEACCES);
    if (path == "ps") return scheme::OpenedHandle{add(PsHandle{list_processes()}), true};
    if (path == "proc-creds-capability") {
        if (caller.uid != 0) return fail(Errno::kEACCES);
        if ((flags & abi::OpenFlags::kAccmode) != abi::OpenFlags::kRdonly) return fail(Errno::kEINVAL);
        return scheme::OpenedHandle{add(CredentialsHandle{})};
    }
    if (path == "init") return fail(Errno::kEEXIST);
    return open_traced(caller, path, flags);
}

Result<scheme::OpenResult> ProcmgrScheme::dup(const scheme::Caller& caller, HandleNumber number,
                                              const mem::UserIn& name) {
    const auto handle = TRY(handles_.find(number));
    if (const auto* process = std::get_if<ProcessHandle>(handle.get())) {
        if (name.size() > proc::kMaxNameLength) return fail(Errno::kEINVAL);
        return dup_process(caller, process->pid, TRY(name.read_string(proc::kMaxNameLength)));
    }
    if (const auto* thread = std::get_if<ThreadHandle>(handle.get())) {
        const auto opened = TRY(contexts_->dup(caller, thread->thread->kernel_handle->number(), name));
        if (const auto* fresh = std::get_if<scheme::OpenedHandle>(&opened)) return describe_kernel(*fresh);
        return opened;
    }
    return fail(Errno::kEINVAL);
}

Result<scheme::OpenResult> ProcmgrScheme::dup_process(const scheme::Caller& caller, Pid pid,
                                                      std::string_view name) {
    constexpr std::string_view kThread = "thread-";
    if (name == "fork") return scheme::OpenedHandle{add(ProcessHandle{TRY(fork(caller, pid))})};
    if (name == "new-thread")
        return scheme::OpenedHandle{add(ThreadHandle{pid, TRY(make_thread(caller, pid))})};
    if (!name.starts_with(kThread)) return fail(Errno::kEINVAL);
    name.remove_prefix(kThread.size());
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
    if (name.empty() || error != std::errc{} || end != name.data() + name.size()) return fail(Errno::kEINVAL);
    auto thread = processes_.with(pid, [&](const Process& process) -> Result<std::shared_ptr<Thread>> {
        if (!process.alive()) return fail(Errno::kEBADFD);
        if (index >= process.threads.size()) return fail(Errno::kENOENT);
        return process.threads[index];
    });
    if (!thread) return fail(thread.error() == Errno::kESRCH ? Errno::kEBADFD : thread.error());
    return scheme::OpenedHandle{add(ThreadHandle{pid, std::move(*thread)})};
}

// The child inherits who it is and where it belongs, and gets one thread without memory and files, which the
// parent fills and starts. Source: base:bootstrap/src/procmgr.rs fork.
Result<Pid> ProcmgrScheme::fork(const scheme::Caller& caller, Pid parent) {
    const auto thread = TRY(new_thread());
    // Until the child has found its own process descriptor it has its parent's at hand, and would act on it.
    thread->context->begin_undisturbed();
    const Pid pid = TRY(processes_.add_child(parent, thread, kernel_.contexts.limit()));
    watch(pid, *thread->context);
    announce(caller, *thread, pid);
    return pid;
}

void ProcmgrScheme::announce(const scheme::Caller& caller, const Thread& child, Pid pid) {
    if (const auto maker = kernel_.contexts.find(caller.context))
        task::announce_child(**maker, child.context, pid);
}

// A process that never ran, and that nobody can start any more, has no end to tell anybody about.
void ProcmgrScheme::forget(Pid pid) {
    std::vector<std::shared_ptr<Thread>> threads;  // their contexts end outside the lock
    processes_.with_all([&](ProcessMap& processes) {
        const auto found = processes.find(pid);
        if (found == processes.end()) return;
        threads = std::move(found->second.threads);
        processes.erase(found);
    });
}

Result<std::shared_ptr<Thread>> ProcmgrScheme::new_thread() {
    auto made = TRY(contexts_->make_context());
    return std::make_shared<Thread>(Thread{made.context, describe_kernel({.number = made.number}), {}});
}

Result<std::shared_ptr<Thread>> ProcmgrScheme::make_thread(const scheme::Caller& caller, Pid pid) {
    auto thread = TRY(new_thread());
    // Where the process is gone, the context goes with its only handle.
    TRY(processes_.add_thread(pid, thread));
    watch(pid, *thread->context);
    announce(caller, *thread, pid);
    return thread;
}

Result<std::uint64_t> ProcmgrScheme::read_at(const scheme::Caller&, HandleNumber number,
                                             const mem::UserOut& to, std::uint64_t offset,
                                             scheme::TransferFlags) {
    const auto handle = TRY(handles_.find(number));
    if (const auto* ps = std::get_if<PsHandle>(handle.get())) {
        if (offset >= ps->text.size()) return 0;
        return to.write_common(std::string_view(ps->text).substr(offset));
    }
    const auto* const process = std::get_if<ProcessHandle>(handle.get());
    if (process == nullptr || to.size() < sizeof(abi::ProcMeta)) return fail(Errno::kEBADF);
    const abi::ProcMeta meta = TRY(processes_.with(
        process->pid, [](const Process& found) -> Result<abi::ProcMeta> { return meta_of(found); }));
    TRY(to.write_exact(meta));
    return sizeof meta;
}

Result<std::uint64_t> ProcmgrScheme::call(const scheme::Caller& caller, HandleNumber number,
                                          const mem::UserInOut& payload, std::uint64_t,
                                          std::span<const std::uint64_t> metadata) {
    const auto handle = TRY(handles_.find(number));
    if (metadata.empty()) return fail(Errno::kEINVAL);
    const CallWords words(metadata.subspan(1));
    if (const auto* process = std::get_if<ProcessHandle>(handle.get()))
        return process_call(caller, process->pid, static_cast<abi::ProcCall>(metadata.front()), words,
                            payload);
    if (const auto* thread = std::get_if<ThreadHandle>(handle.get()))
        return thread_call(caller, *thread, CallWords(metadata));
    if (!std::holds_alternative<CredentialsHandle>(*handle)) return fail(Errno::kEBADF);
    if (metadata.front() != static_cast<std::uint64_t>(abi::ProcCall::kGetProcCredentials))
        return fail(Errno::kEINVAL);
    const std::uint64_t pid = TRY(words[0]);
    const abi::ProcMeta meta = TRY(processes_.with(
        static_cast<Pid>(pid), [](const Process& found) -> Result<abi::ProcMeta> { return meta_of(found); }));
    TRY(payload.out().write_exact(meta));
    return sizeof meta;
}

Result<std::uint64_t> ProcmgrScheme::fsize(const scheme::Caller&, HandleNumber number) {
    const auto handle = TRY(handles_.find(number));
    const auto* const ps = std::get_if<PsHandle>(handle.get());
    if (ps == nullptr) return fail(Errno::kEOPNOTSUPP);
    return ps->text.size();
}

Result<void> ProcmgrScheme::fstat(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to) {
    abi::Stat stat{};
    stat.st_mode = abi::Mode::kFile | 0444;
    stat.st_size = TRY(fsize(caller, number));
    return to.write_exact(stat);
}

Result<std::uint64_t> ProcmgrScheme::fpath(const scheme::Caller&, HandleNumber, const mem::UserOut& to) {
    return to.write_common("/scheme/proc/");
}

Result<void> ProcmgrScheme::close(HandleNumber number) {
    const auto handle = TRY(handles_.remove(number));
    const auto pid = process_of(*handle);
    if (!pid) return {};
    const auto unreachable = processes_.with(*pid, [](Process& process) -> Result<bool> {
        if (--process.descriptions > 0 || !process.alive() || process.awaited_by_supervisor) return false;
        return !process.started();
    });
    if (unreachable && *unreachable) forget(*pid);
    return {};
}

std::string ProcmgrScheme::list_processes() {
    std::string text;
    for (const char* title : {"PID", "PGID", "PPID", "SID", "RUID", "RGID", "EUID", "EGID", "NTHRD"})
        add_column(text, title, kNumberColumn);
    add_column(text, "STATUS", kStatusColumn);
    add_column(text, "NAME", kNameColumn);
    text += '\n';
    processes_.with_all([&](const ProcessMap& processes) {
        for (const auto& [pid, process] : processes) {
            const Identity& ids = process.identity;
            const auto threads = static_cast<std::uint32_t>(process.threads.size());
            for (const std::uint32_t number : {pid, process.group, process.parent, process.session, ids.ruid,
                                               ids.rgid, ids.euid, ids.egid, threads})
                add_column(text, std::to_string(number), kNumberColumn);
            add_column(text, state_letter(process.state), kStatusColumn);
            add_column(text, process.name, kNameColumn);
            text += '\n';
        }
    });
    return text;
}

std::vector<ProcmgrScheme::Overview> ProcmgrScheme::overview() {
    return processes_.with_all([](const ProcessMap& processes) {
        std::vector<Overview> all;
        all.reserve(processes.size());
        for (const auto& [pid, process] : processes)
            all.push_back({pid, process.parent, process.group, process.session, process.state, process.name});
        return all;
    });
}

}  // namespace halfcell::schemes::procmgr
