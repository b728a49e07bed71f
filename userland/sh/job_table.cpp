#include "userland/sh/job_table.h"

#include <algorithm>

#include "abi/proc_call.h"
#include "userland/lib/number.h"
#include "userland/lib/signal_names.h"

namespace halfcell::userland::sh {
namespace {

constexpr std::size_t kMostRetired = 64;

std::string state_text(const Job& job) {
    switch (job.state()) {
        case Job::State::kRunning:
            return "Running";
        case Job::State::kStopped:
            for (const Job::Process& process : job.processes) {
                if (process.state == Job::State::kStopped)
                    return signal_description(abi::wait_stop_signal(process.status));
            }
            return "Stopped";
        case Job::State::kDone:
            break;
    }
    const std::int32_t status = job.status();
    if (abi::wait_signaled(status)) return signal_description(abi::wait_term_signal(status));
    const std::uint32_t code = abi::wait_exit_code(status);
    return code == 0 ? "Done" : "Done(" + decimal(code) + ")";
}

}  // namespace

Job::State Job::state() const {
    State result = State::kDone;
    for (const Process& process : processes) {
        if (process.state == State::kRunning) return State::kRunning;
        if (process.state == State::kStopped) result = State::kStopped;
    }
    return result;
}

Job& JobTable::add(std::string text) {
    jobs_.push_back(std::make_unique<Job>());
    jobs_.back()->text = std::move(text);
    return *jobs_.back();
}

void JobTable::enlist(Job& job) {
    std::erase(order_, job.number);
    if (job.number == 0) {
        for (const auto& other : jobs_)
            job.number = std::max(job.number, other->number);
        ++job.number;
    }
    order_.push_back(job.number);
}

void JobTable::remove(const Job& job) {
    std::erase(order_, job.number);
    std::erase_if(jobs_, [&](const auto& other) { return other.get() == &job; });
}

void JobTable::retire(const Job& job) {
    if (!job.processes.empty()) retired_.push_back(job.processes.back());
    if (retired_.size() > kMostRetired) retired_.pop_front();
    remove(job);
}

std::optional<std::int32_t> JobTable::take_retired(std::uint32_t pid) {
    const auto found = std::find_if(retired_.rbegin(), retired_.rend(),
                                    [pid](const Job::Process& process) { return process.pid == pid; });
    if (found == retired_.rend()) return {};
    const std::int32_t status = found->status;
    retired_.erase(std::next(found).base());
    return status;
}

bool JobTable::record(std::uint32_t pid, std::int32_t status) {
    Job* const job = of_process(pid);
    if (job == nullptr) return false;
    for (Job::Process& process : job->processes) {
        if (process.pid != pid) continue;
        process.status = status;
        process.state = abi::wait_continued(status) ? Job::State::kRunning
                        : abi::wait_stopped(status) ? Job::State::kStopped
                                                    : Job::State::kDone;
    }
    if (job->state() != Job::State::kRunning) job->reported = false;
    return true;
}

Job* JobTable::of_process(std::uint32_t pid) {
    // A process id is never used twice, but one of a job's processes may have ended and another not.
    for (const auto& job : jobs_) {
        for (const Job::Process& process : job->processes) {
            if (process.pid == pid) return job.get();
        }
    }
    return nullptr;
}

Job* JobTable::current() {
    if (order_.empty()) return nullptr;
    for (const auto& job : jobs_) {
        if (job->number == order_.back()) return job.get();
    }
    return nullptr;
}

Job* JobTable::of_spec(std::string_view spec, std::string& error) {
    error = "No such job: " + std::string(spec);
    if (spec.starts_with('%')) spec.remove_prefix(1);
    if (spec.empty() || spec == "%" || spec == "+") return current();
    if (spec == "-") {
        if (order_.size() < 2) return nullptr;
        spec = {};
    }
    const auto number = spec.empty()
                            ? std::optional<std::uint64_t>(static_cast<std::uint64_t>(order_.end()[-2]))
                            : parse_unsigned(spec);
    Job* found = nullptr;
    for (const auto& job : jobs_) {
        if (job->number == 0) continue;
        const bool matches = number                  ? static_cast<std::uint64_t>(job->number) == *number
                             : spec.starts_with('?') ? job->text.find(spec.substr(1)) != std::string::npos
                                                     : job->text.starts_with(spec);
        if (!matches) continue;
        if (found != nullptr) {
            error = "Ambiguous: " + std::string(spec);
            return nullptr;
        }
        found = job.get();
    }
    return found;
}

std::vector<Job*> JobTable::listed() {
    std::vector<Job*> result;
    for (const auto& job : jobs_) {
        if (job->number != 0) result.push_back(job.get());
    }
    std::sort(result.begin(), result.end(), [](const Job* a, const Job* b) { return a->number < b->number; });
    return result;
}

bool JobTable::any_listed(Job::State state) const {
    return std::any_of(jobs_.begin(), jobs_.end(),
                       [state](const auto& job) { return job->number != 0 && job->state() == state; });
}

char JobTable::mark(const Job& job) const {
    if (!order_.empty() && order_.back() == job.number) return '+';
    return order_.size() > 1 && order_.end()[-2] == job.number ? '-' : ' ';
}

std::string JobTable::line(const Job& job, bool with_ids) const {
    std::string text = "[" + decimal(static_cast<std::uint64_t>(job.number)) + "] ";
    text.push_back(mark(job));
    text.push_back(' ');
    if (with_ids) {
        for (const Job::Process& process : job.processes)
            text += decimal(process.pid) + " ";
    }
    return text + pad_right(state_text(job), 27) + job.text + "\n";
}

}  // namespace halfcell::userland::sh
