#include "schemes/procmgr/process_table.h"

#include <algorithm>

#include "abi/sigabi.h"

namespace halfcell::schemes::procmgr {

Pid ProcessTable::add(Process process) {
    std::lock_guard lock(mutex_);
    process.pid = next_++;
    const Pid pid = process.pid;
    processes_.emplace(pid, std::move(process));
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

// Without an Exit the last thread decides. Source: base:bootstrap/src/procmgr.rs.
ExitStatus ProcessTable::natural_end(const task::Context& last) {
    const auto [status, exception] = last.status();
    if (status == abi::ContextStatus::kUnhandledExcp) return ExitStatus::faulted(exception);
    if (status == abi::ContextStatus::kForceKilled) return ExitStatus::signaled(abi::Signal::kKill);
    return ExitStatus::exited(0);
}

void ProcessTable::thread_ended(Pid pid, const task::Context& context) {
    std::shared_ptr<Thread> ended;  // its descriptor is closed outside the lock
    std::lock_guard lock(mutex_);
    const auto found = processes_.find(pid);
    if (found == processes_.end()) return;
    Process& process = found->second;
    const auto thread = std::ranges::find_if(
        process.threads, [&](const auto& candidate) { return candidate->context.get() == &context; });
    if (thread == process.threads.end()) return;
    ended = std::move(*thread);
    process.threads.erase(thread);
    std::erase_if(process.thread_pages, [&](const auto& page) { return page.first == context.id(); });
    if (!process.threads.empty()) return;
    if (!process.ending) process.ending = natural_end(context);
    process.state = ProcessState::kExited;
    process.signal_page.reset();
    for (auto& [child_pid, child] : processes_)
        if (child.parent == pid) child.parent = kInitPid;
    ended_.notify_all();
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
