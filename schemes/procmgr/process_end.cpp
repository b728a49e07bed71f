// The end of threads and of processes, in the order of spec userland-contract 2.5.
// Source: base:bootstrap/src/procmgr.rs on_exit_start, work_on.

#include <algorithm>
#include <iterator>
#include <set>

#include "schemes/procmgr/process_table.h"

namespace halfcell::schemes::procmgr {

namespace {

using abi::Signal;

// Without an Exit the last thread decides.
ExitStatus natural_end(const task::Context& last) {
    const auto [status, exception] = last.status();
    if (status == abi::ContextStatus::kUnhandledExcp) return ExitStatus::faulted(exception);
    if (status == abi::ContextStatus::kForceKilled) return ExitStatus::signaled(Signal::kKill);
    return ExitStatus::exited(0);
}

// The groups that may lose their last tie to a parent when `ending` goes: its own, and its children's. Those
// that have lost it already are left out.
std::set<Pid> groups_at_stake(const ProcessMap& processes, const Process& ending) {
    std::set<Pid> groups{ending.group};
    for (const auto& [pid, process] : processes)
        if (process.parent == ending.pid) groups.insert(process.group);
    std::erase_if(groups, [&](Pid group) { return group_is_orphaned(processes, group); });
    return groups;
}

// Children of a process that has ended: those that live on get another parent, the others have nobody left
// who could ask for them (upstream gives init the wrong news here and never forgets them), or who would start
// them: such a child may already have a file table with its own process in it, and would keep itself.
void give_children_to_init(ProcessMap& processes, Pid parent, SignalEffects& effects) {
    for (auto entry = processes.begin(); entry != processes.end();) {
        Process& child = entry->second;
        const bool ours = child.parent == parent && child.pid != parent;
        if (ours) child.parent = kInitPid;
        if (ours && child.alive() && !child.started())
            effects.push_back({SignalEffect::Kind::kExit, nullptr, child.pid, Signal::kKill});
        const bool unwanted = ours && child.state == ProcessState::kExited && !child.awaited_by_supervisor;
        entry = unwanted ? processes.erase(entry) : std::next(entry);
    }
}

// Stopped members of groups that nobody can continue any more are continued, and told why.
void release_stopped(ProcessMap& processes, const std::set<Pid>& groups, SignalEffects& effects) {
    for (auto& [pid, member] : processes) {
        if (member.state != ProcessState::kStopped || !groups.contains(member.group)) continue;
        (void)SignalDelivery(processes, Sender::init(), Signal::kCont, effects).to(member);
        (void)SignalDelivery(processes, Sender::init(), Signal::kHup, effects).to(member);
    }
}

}  // namespace

SignalEffects ProcessTable::thread_ended(Pid pid, const task::Context& context) {
    std::vector<std::shared_ptr<Thread>> ended;  // their descriptors are closed outside the lock
    std::lock_guard lock(mutex_);
    const auto found = processes_.find(pid);
    if (found == processes_.end()) return {};
    Process& process = found->second;
    const auto thread = std::ranges::find_if(
        process.threads, [&](const auto& candidate) { return candidate->context.get() == &context; });
    if (thread == process.threads.end()) return {};
    ended.push_back(std::move(*thread));
    process.threads.erase(thread);
    // Threads that were made and not started yet will never be: who was about to start them is gone.
    if (!process.threads.empty() && (!context.has_run() || process.started())) return {};
    std::ranges::move(process.threads, std::back_inserter(ended));
    process.threads.clear();
    if (!process.ending) process.ending = natural_end(context);
    return process_ended(process);
}

SignalEffects ProcessTable::process_ended(Process& process) {
    SignalEffects effects;
    const Pid pid = process.pid;
    process.state = ProcessState::kExited;
    process.signal_page.reset();
    process.queued.clear();
    process.waiting->notify_all();
    const auto parent = process.parent == kInitPid ? processes_.end() : processes_.find(process.parent);
    if (parent != processes_.end())
        (void)SignalDelivery(processes_, Sender::of(process), Signal::kChld, effects).to(parent->second);
    std::set<Pid> groups = groups_at_stake(processes_, process);
    give_children_to_init(processes_, pid, effects);
    std::erase_if(groups, [&](Pid group) { return !group_is_orphaned(processes_, group); });
    release_stopped(processes_, groups, effects);
    if (parent != processes_.end()) {
        parent->second.changes[pid] = {ChildChange::Kind::kTerminated, process.ending->wait_status()};
        parent->second.waiting->notify_all();
    } else if (process.awaited_by_supervisor) {
        ended_.notify_all();
    } else {
        processes_.erase(pid);
    }
    return effects;
}

}  // namespace halfcell::schemes::procmgr
