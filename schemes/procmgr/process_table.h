#pragma once

// Every process of a run, and how processes and threads come and go.

#include <condition_variable>
#include <functional>
#include <vector>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/result.h"
#include "kernel_shim/task/worker.h"
#include "schemes/procmgr/child_wait.h"
#include "schemes/procmgr/signal_delivery.h"

namespace halfcell::schemes::procmgr {

class ProcessTable {
  public:
    // With init in it.
    ProcessTable();

    // Enters a process, with the threads it may have already, under the next number, which is returned.
    Pid add(Process process);
    // Enters a child of a living process, like its parent but with this one thread. In one step: a child
    // entered after its parent's end would belong to a zombie, and never be told to init nor forgotten; and a
    // signal to its group must not find it without a thread, which would count as one that nobody prepares to
    // take it. EBADFD; EAGAIN where there are `limit` processes already.
    Result<Pid> add_child(Pid parent, const std::shared_ptr<Thread>& thread, std::uint64_t limit);

    // Runs `use(Process&)` under the table's lock; ESRCH where there is no such process. Contexts may be
    // asked and changed there, but nothing may be ended, closed or waited for.
    template <typename Use>
    auto with(Pid pid, Use&& use) -> decltype(use(std::declval<Process&>())) {
        std::lock_guard lock(mutex_);
        const auto it = processes_.find(pid);
        if (it == processes_.end()) return fail(Errno::kESRCH);
        return std::forward<Use>(use)(it->second);
    }
    // Runs `use(ProcessMap&)` likewise.
    template <typename Use>
    auto with_all(Use&& use) {
        std::lock_guard lock(mutex_);
        return std::forward<Use>(use)(processes_);
    }

    // A thread joins a living process. EBADFD otherwise; the thread is then the caller's to end.
    Result<void> add_thread(Pid pid, const std::shared_ptr<Thread>& thread);
    // A context of the process has died; the process ends with its last one: its parent is told, its children
    // go to init, and groups that lose their last tie to a parent are continued. What is to be done about
    // other threads then is returned.
    [[nodiscard]] SignalEffects thread_ended(Pid pid, const task::Context& context);

    // Decides how a living process ends and returns the contexts that must now be killed. EAGAIN when it is
    // ending already, ESRCH when it has ended.
    Result<std::vector<std::shared_ptr<task::Context>>> begin_exit(Pid pid, const ExitStatus& status);

    // The contexts of a process that has not ended; none where there is no such process.
    [[nodiscard]] std::vector<std::shared_ptr<task::Context>> contexts_of(Pid pid);

    // A traced process has stopped for its tracer, and `context` may still be in that stop; or `resume` is to
    // end its stops. A parent that traces its own child may wait for that as for a stop by SIGSTOP.
    // Source: relibc:src/platform/redox/mod.rs waitpid.
    void trace_stopped(Pid pid, Pid tracer, const task::Context& context);
    void trace_resumed(Pid pid, const std::function<void()>& resume);

    // Waitpid and Waitpgid on behalf of `pid`: see take_news(). With abi::WaitFlags::kNohang the pid returned
    // may be 0. EBADFD where the process is gone, EINTR. Blocks, unless kNohang is given.
    Result<ChildNews> wait_for_child(Pid pid, WaitTarget target, std::uint64_t flags, wait::Waiter& waiter);

    // Waits for the end of a process that was entered as awaited, forgets it and says how it ended. ESRCH.
    // Blocks; for the supervisor's own threads.
    Result<ExitStatus> wait_and_reap(Pid pid);

  private:
    SignalEffects process_ended(Process& process);

    LevelMutex<LockLevel::kRegistry> mutex_;
    std::condition_variable_any ended_;
    ProcessMap processes_;
    Pid next_ = kInitPid + 1;
};

}  // namespace halfcell::schemes::procmgr
