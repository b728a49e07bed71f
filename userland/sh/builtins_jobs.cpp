// Builtins for jobs.

#include "userland/lib/number.h"
#include "userland/rt/output.h"
#include "userland/sh/builtins.h"

namespace halfcell::userland::sh {
namespace {

// The job an operand means, the current one without an operand; null after a message.
Job* job_of(Shell& shell, Shell::Arguments words) {
    std::string error;
    Job* const job = shell.jobs.of_spec(words.size() > 1 ? std::string_view(words[1]) : "%%", error);
    if (job == nullptr) (void)shell.fail(words[0], words.size() > 1 ? error : "No current job", 2);
    return job;
}

// Waits for a job; nothing where a trapped signal ended the wait.
std::optional<int> wait_for_job(Shell& shell, Job& job) {
    while (job.state() == Job::State::kRunning) {
        if (!shell.wait_for_news(Shell::EndedBy::kTraps)) return {};
    }
    return exit_status_of(job.status());
}

int interrupted_status(Shell& shell) {
    // The signal's trap runs before anything else does.
    const int status = Traps::interrupted() ? 128 + static_cast<int>(abi::Signal::kInt)
                                            : 128 + static_cast<int>(Traps::lowest_pending());
    shell.run_pending_traps();
    return status;
}

}  // namespace

int builtin_jobs(Shell& shell, Shell::Arguments words) {
    bool with_ids = false;
    bool only_ids = false;
    std::size_t at = 1;
    for (; at < words.size() && words[at].starts_with('-'); ++at) {
        with_ids = with_ids || words[at] == "-l";
        only_ids = only_ids || words[at] == "-p";
        if (words[at] != "-l" && words[at] != "-p")
            return shell.fail("jobs", "Illegal option " + words[at], 2);
    }
    shell.poll_jobs();
    std::vector<Job*> shown = shell.jobs.listed();
    if (at < words.size()) {
        shown.clear();
        for (; at < words.size(); ++at) {
            std::string error;
            Job* const job = shell.jobs.of_spec(words[at], error);
            if (job == nullptr) return shell.fail("jobs", error, 2);
            shown.push_back(job);
        }
    }
    std::string text;
    for (Job* const job : shown)
        text += only_ids ? decimal(job->processes.front().pid) + "\n" : shell.jobs.line(*job, with_ids);
    for (Job* const job : shown) {
        job->reported = true;
        if (job->state() == Job::State::kDone) shell.jobs.retire(*job);
    }
    return shell.print(text) ? 0 : 1;
}

int builtin_fg(Shell& shell, Shell::Arguments words) {
    if (!shell.controls_jobs()) return shell.fail("fg", "job control is off", 2);
    Job* const job = job_of(shell, words);
    if (job == nullptr) return 2;
    if (!shell.print(job->text + "\n")) return 1;
    return shell.continue_job(*job, true);
}

int builtin_bg(Shell& shell, Shell::Arguments words) {
    if (!shell.controls_jobs()) return shell.fail("bg", "job control is off", 2);
    Job* const job = job_of(shell, words);
    if (job == nullptr) return 2;
    if (!shell.print(concat("[", job->number, "] ", job->text, "\n"))) return 1;
    return shell.continue_job(*job, false);
}

int builtin_wait(Shell& shell, Shell::Arguments words) {
    if (words.size() == 1) {
        for (;;) {
            if (!shell.jobs.any_listed(Job::State::kRunning)) break;
            if (!shell.wait_for_news(Shell::EndedBy::kTraps)) {
                if (Traps::any_pending() || Traps::interrupted()) return interrupted_status(shell);
                break;
            }
        }
        for (Job* const job : shell.jobs.listed()) {
            if (job->state() == Job::State::kDone) shell.jobs.remove(*job);
        }
        shell.jobs.forget_retired();
        return 0;
    }
    int status = 0;
    for (const std::string& word : words.subspan(1)) {
        std::string error;
        Job* job = nullptr;
        if (word.starts_with('%')) {
            job = shell.jobs.of_spec(word, error);
            if (job == nullptr) return shell.fail("wait", error, 2);
        } else {
            const auto pid = parse_unsigned(word);
            if (!pid) return shell.fail("wait", "Illegal number: " + word, 2);
            job = shell.jobs.of_process(static_cast<std::uint32_t>(*pid));
            if (job == nullptr) {
                const std::optional<std::int32_t> retired =
                    shell.jobs.take_retired(static_cast<std::uint32_t>(*pid));
                // Nothing is known of a process that is no child.
                status = retired ? exit_status_of(*retired) : 127;
                continue;
            }
        }
        const std::optional<int> result = wait_for_job(shell, *job);
        if (!result && (Traps::any_pending() || Traps::interrupted())) return interrupted_status(shell);
        status = result.value_or(127);
        if (job->state() != Job::State::kStopped) shell.jobs.remove(*job);
    }
    return status;
}

}  // namespace halfcell::userland::sh
