// Children, jobs and the terminal they share.

#include "userland/lib/signal_names.h"
#include "userland/rt/file.h"
#include "userland/rt/fork.h"
#include "userland/rt/output.h"
#include "userland/rt/signal.h"
#include "userland/sh/shell.h"

namespace halfcell::userland::sh {
namespace {

// The status of a process that ended in a way nobody could tell.
constexpr std::int32_t kUnknownStatus = 127 << 8;

}  // namespace

std::optional<std::uint32_t> Shell::fork_for(Job& job, Fork mode) {
    const std::uint32_t group = job.group;
    const bool grouped = controls_jobs() && mode != Fork::kNoJob;
    const Result<std::uint32_t> child = fork_process();
    if (!child) {
        (void)abort(concat("Cannot fork: ", std::string_view(abi::errno_text(child.error()))));
        return {};
    }
    if (*child == 0) {
        become_child(group, mode);
        return 0;
    }
    job.processes.push_back({*child, Job::State::kRunning, 0});
    if (!grouped) return *child;
    // The child does the same: whoever is first, the group is right from then on.
    if (job.group == 0) job.group = *child;
    (void)set_process_group(*child, job.group);
    if (mode == Fork::kForeground && group == 0) (void)set_foreground_group(terminal_.fd(), job.group);
    return *child;
}

void Shell::become_child(std::uint32_t group, Fork mode) {
    if (controls_jobs() && mode != Fork::kNoJob) {
        (void)set_process_group(0, group);
        const Result<abi::ProcMeta> identity = process_identity();
        if (mode == Fork::kForeground && group == 0 && identity)
            (void)set_foreground_group(terminal_.fd(), identity->pgid);
    }
    traps.end_interactive();
    // An interrupt that came before, when this was still the shell, is meant for what the child is to do.
    // From here on interrupts end the child by themselves.
    if (Traps::take_interrupt() && interactive && mode != Fork::kBackground) exit_by_signal(Signal::kInt);
    const bool controlled = controls_jobs();
    subshell = true;
    interactive = false;
    options.set(Option::kMonitor, false);
    options.set(Option::kInteractive, false);
    traps.forget_actions();
    jobs.clear();
    loops = 0;
    if (mode != Fork::kBackground || controlled) return;
    // A job of a shell without job control must not be ended by keys that are meant for others.
    ignore_signal(Signal::kInt);
    ignore_signal(Signal::kQuit);
    const Result<UniqueFd> nothing =
        open_file("/scheme/null", abi::OpenFlags::kRdonly | abi::OpenFlags::kCloexec);
    if (nothing) (void)sys_dup2(nothing->fd(), Fd::kStdin);
}

bool Shell::wait_for_news(EndedBy ended_by) {
    // Held: what comes between the look at the flags and the wait ends the wait.
    const SignalsHeld held;
    if (ended_by != EndedBy::kNothing && Traps::interrupted()) return false;
    if (ended_by == EndedBy::kTraps && Traps::any_pending()) return false;
    const std::uint64_t flags = controls_jobs() ? abi::WaitFlags::kUntraced : 0;
    const Result<ChildNews> news = wait_for_child(0, flags);
    if (news) {
        (void)jobs.record(news->pid, news->status);
        return true;
    }
    // The handler has not run yet; the flags tell the next time.
    return news.error() == Errno::kEINTR;
}

int Shell::wait_in_foreground(Job& job) {
    const bool in_group = interactive && job.group != 0;
    while (job.state() == Job::State::kRunning) {
        if (wait_for_news(in_group ? EndedBy::kInterrupt : EndedBy::kNothing)) continue;
        if (in_group && Traps::take_interrupt()) {
            // It came before the terminal was the job's, and is meant for it.
            (void)send_signal(-static_cast<std::int64_t>(job.group), Signal::kInt);
            continue;
        }
        for (Job::Process& process : job.processes) {
            if (process.state == Job::State::kRunning)
                process = {process.pid, Job::State::kDone, kUnknownStatus};
        }
    }
    if (controls_jobs() && job.group != 0) take_terminal_back();
    if (job.state() == Job::State::kStopped) {
        jobs.enlist(job);
        job.reported = true;
        (void)write_all(Fd::kStderr, "\n" + jobs.line(job, false));
        for (const Job::Process& process : job.processes) {
            if (process.state == Job::State::kStopped) return exit_status_of(process.status);
        }
    }
    const std::int32_t news = job.status();
    const int result = exit_status_of(news);
    if (abi::wait_signaled(news)) {
        const std::uint32_t signal = abi::wait_term_signal(news);
        if (interactive && signal == Signal::kInt) {
            // The interrupt was meant for the whole command line.
            (void)write_all(Fd::kStderr, "\n");
            if (flow == Flow::kNone && job.group != 0) flow = Flow::kAbort;
            status = result;
        } else if (signal != Signal::kInt && signal != Signal::kPipe) {
            (void)write_all(Fd::kStderr, signal_description(signal) + "\n");
        }
    }
    jobs.remove(job);
    return result;
}

void Shell::take_terminal_back() {
    (void)set_foreground_group(terminal_.fd(), own_group_);
}

void Shell::poll_jobs() {
    const std::uint64_t flags =
        abi::WaitFlags::kNohang | (controls_jobs() ? abi::WaitFlags::kUntraced : std::uint64_t{0});
    for (;;) {
        const Result<ChildNews> news = wait_for_child(0, flags);
        if (!news || news->pid == 0) return;
        (void)jobs.record(news->pid, news->status);
    }
}

void Shell::report_jobs() {
    for (Job* const job : jobs.listed()) {
        if (!job->reported) (void)write_all(Fd::kStderr, jobs.line(*job, false));
        job->reported = true;
        if (job->state() == Job::State::kDone) jobs.retire(*job);
    }
}

int Shell::continue_job(Job& job, bool foreground) {
    for (Job::Process& process : job.processes) {
        if (process.state == Job::State::kStopped) process.state = Job::State::kRunning;
    }
    job.reported = true;
    if (foreground) (void)set_foreground_group(terminal_.fd(), job.group);
    (void)send_signal(-static_cast<std::int64_t>(job.group), Signal::kCont);
    return foreground ? wait_in_foreground(job) : 0;
}

bool Shell::set_job_control(bool on) {
    options.set(Option::kMonitor, false);
    if (!on) {
        terminal_.reset();
        return true;
    }
    for (const Fd fd : {Fd::kStderr, Fd::kStdin}) {
        if (!is_terminal(fd)) continue;
        const Result<std::uint64_t> copy =
            sys_fcntl(fd, abi::FcntlCommand::kDupfdCloexec, abi::Limits::kUpperFdtblTag);
        if (!copy) continue;
        terminal_ = UniqueFd(Fd{*copy});
        break;
    }
    if (terminal_.fd() == Fd::kNone) return false;
    traps.ignore_stops();
    (void)set_process_group(0, 0);
    const Result<abi::ProcMeta> identity = process_identity();
    if (!identity) return false;
    own_group_ = identity->pgid;
    take_terminal_back();
    options.set(Option::kMonitor, true);
    return true;
}

}  // namespace halfcell::userland::sh
