#include "schemes/procmgr/process_table.h"

#include <algorithm>

#include "abi/proc_call.h"
#include "abi/sigabi.h"

namespace halfcell::schemes::procmgr {

ProcessTable::ProcessTable() {
    Process init;
    init.pid = kInitPid;
    init.name = "init";
    processes_.emplace(kInitPid, std::move(init));
}

Pid ProcessTable::add(Process process) {
    std::lock_guard lock(mutex_);
    process.pid = next_++;
    const Pid pid = process.pid;
    process.publish_attributes();
    processes_.emplace(pid, std::move(process));
    return pid;
}

Result<Pid> ProcessTable::add_child(Pid parent, const std::shared_ptr<Thread>& thread, std::uint64_t limit) {
    std::lock_guard lock(mutex_);
    const auto found = processes_.find(parent);
    if (found == processes_.end() || !found->second.alive()) return fail(Errno::kEBADFD);
    // Those that have ended and are not waited for have no context to be counted by.
    if (processes_.size() - 1 >= limit) return fail(Errno::kEAGAIN);
    Process child;
    child.pid = next_++;
    child.parent = found->second.pid;
    child.group = found->second.group;
    child.session = found->second.session;
    child.identity = found->second.identity;
    child.name = found->second.name;
    child.priority = found->second.priority;
    child.threads.push_back(thread);
    child.publish_attributes();
    const Pid pid = child.pid;
    processes_.emplace(pid, std::move(child));
    return pid;
}

Result<void> ProcessTable::add_thread(Pid pid, const std::shared_ptr<Thread>& thread) {
    std::lock_guard lock(mutex_);
    const auto it = processes_.find(pid);
    if (it == processes_.end() || !it->second.alive()) return fail(Errno::kEBADFD);
    thread->context->set_attributes(it->second.attributes());
    it->second.threads.push_back(thread);
    return {};
}

Result<std::vector<std::shared_ptr<task::Context>>> ProcessTable::begin_exit(Pid pid,
                                                                             const ExitStatus& status) {
    std::lock_guard lock(mutex_);
    const auto it = processes_.find(pid);
    if (it == processes_.end() || it->second.state == ProcessState::kExited) return fail(Errno::kESRCH);
    if (it->second.state == ProcessState::kExiting) return fail(Errno::kEAGAIN);
    it->second.state = ProcessState::kExiting;
    it->second.ending = status;
    std::vector<std::shared_ptr<task::Context>> contexts;
    for (const auto& thread : it->second.threads)
        contexts.push_back(thread->context);
    return contexts;
}

std::vector<std::shared_ptr<task::Context>> ProcessTable::contexts_of(Pid pid) {
    std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<task::Context>> contexts;
    const auto found = processes_.find(pid);
    if (found == processes_.end()) return contexts;
    for (const auto& thread : found->second.threads)
        contexts.push_back(thread->context);
    return contexts;
}

// Under the lock that a resume holds, so that no news are left of a stop that is over.
void ProcessTable::trace_stopped(Pid pid, Pid tracer, const task::Context& context) {
    std::lock_guard lock(mutex_);
    const auto found = processes_.find(pid);
    const auto parent = processes_.find(tracer);
    if (found == processes_.end() || parent == processes_.end() || found->second.parent != tracer) return;
    if (found->second.state == ProcessState::kExited || !context.trace_stopped()) return;
    parent->second.changes[pid] = {ChildChange::Kind::kStopped, abi::wait_status_stopped(abi::Signal::kStop)};
    parent->second.waiting->notify_all();
}

void ProcessTable::trace_resumed(Pid pid, const std::function<void()>& resume) {
    std::lock_guard lock(mutex_);
    const auto found = processes_.find(pid);
    if (found != processes_.end() && found->second.state != ProcessState::kStopped) {
        const auto parent = processes_.find(found->second.parent);
        if (parent != processes_.end())
            std::erase_if(parent->second.changes, [&](const auto& entry) {
                return entry.first == pid && entry.second.kind == ChildChange::Kind::kStopped;
            });
    }
    resume();
}

Result<ChildNews> ProcessTable::wait_for_child(Pid pid, WaitTarget target, std::uint64_t flags,
                                               wait::Waiter& waiter) {
    std::unique_lock lock(mutex_);
    Result<void> slept;
    for (;;) {
        const auto parent = processes_.find(pid);
        if (parent == processes_.end()) return fail(Errno::kEBADFD);
        // Whoever is being killed must not take news away from those who live on.
        if (waiter.killed()) return fail(Errno::kEINTR);
        if (const auto news = TRY(take_news(processes_, parent->second, target, flags))) return *news;
        if ((flags & abi::WaitFlags::kNohang) != 0) return ChildNews{};
        // The signal of a child's end interrupts its parent; the news come before the interruption.
        TRY(std::move(slept));
        const auto queue = parent->second.waiting;
        slept = queue->wait(lock, waiter, "waitpid");
    }
}

Result<ExitStatus> ProcessTable::wait_and_reap(Pid pid) {
    std::unique_lock lock(mutex_);
    const auto it = processes_.find(pid);
    if (it == processes_.end()) return fail(Errno::kESRCH);
    ended_.wait(lock, [&] { return it->second.state == ProcessState::kExited; });
    const ExitStatus status = *it->second.ending;
    processes_.erase(it);
    return status;
}

}  // namespace halfcell::schemes::procmgr
