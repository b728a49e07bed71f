#include <algorithm>

#include "kernel_shim/task/context.h"
#include "kernel_shim/task/trace_session.h"

// Stopping a running thread, and what is done with it meanwhile.

namespace halfcell::task {

void Context::ask_for_park(State& state) {
    attention_.fetch_or(kAsked, std::memory_order_acq_rel);
    if (state.thread != nullptr && !state.parked) state.thread->request_park();
    resumed_.notify_all();
}

void Context::set_thread(machine::GuestThread* thread) {
    std::lock_guard lock(mutex_);
    state_.thread = thread;
    if (thread == nullptr) return;
    // An order given before there was a thread to park.
    if (needs_attention()) ask_for_park(state_);
}

Result<void> Context::inspect(wait::Waiter& requester, ParkJob job) {
    // A target that goes to sleep in a call after it was asked to park is noticed this soon.
    constexpr std::chrono::milliseconds kRecheck{1};
    const auto entry = std::make_shared<Job>();
    entry->run = std::move(job);
    entry->requester = &requester;
    const auto asleep_in_call = [this] { return waiter_.reason() != nullptr; };
    {
        std::lock_guard lock(mutex_);
        if (state_.run_state == RunState::kDead || !state_.launched) return fail(Errno::kESRCH);
        if (state_.at_rest != nullptr && state_.jobs.empty()) {
            // The worker waits: its thread is as good as ours, without two wake-ups.
            entry->run(*state_.at_rest);
            return {};
        }
        if (asleep_in_call()) return fail(Errno::kEBUSY);
        state_.jobs.push_back(entry);
        ask_for_park(state_);
    }
    for (;;) {
        requester.prepare({.reason = "Context::inspect", .timed = true});
        auto deadline = std::chrono::steady_clock::now();
        {
            // What happened before prepare() has notified nobody.
            std::lock_guard lock(mutex_);
            if (!entry->done && state_.run_state != RunState::kDead) deadline += kRecheck;
        }
        const wait::Wake wake = requester.sleep(deadline);
        std::lock_guard lock(mutex_);
        if (entry->done) return {};
        if (entry->running) continue;
        if (state_.run_state == RunState::kDead) return fail(Errno::kESRCH);
        const bool interrupted =
            wake == wait::Wake::kInterrupted || wake == wait::Wake::kHalted || wake == wait::Wake::kKilled;
        if (!interrupted && !asleep_in_call()) continue;
        std::erase(state_.jobs, entry);
        return fail(interrupted ? Errno::kEINTR : Errno::kEBUSY);
    }
}

void Context::run_at_next_park(ParkJob job) {
    auto entry = std::make_shared<Job>();
    entry->run = std::move(job);
    std::lock_guard lock(mutex_);
    if (state_.run_state == RunState::kDead) return;
    state_.jobs.push_back(std::move(entry));
    ask_for_park(state_);
}

// Runs the oldest job, without the lock. False where there is none.
template <typename Lock>
bool Context::run_job(Lock& lock, const ParkedThread& parked) {
    if (state_.jobs.empty()) return false;
    const auto job = state_.jobs.front();
    state_.jobs.erase(state_.jobs.begin());
    job->running = true;
    state_.at_rest = nullptr;
    lock.unlock();
    job->run(parked);
    lock.lock();
    state_.at_rest = &parked;
    job->running = false;
    job->done = true;
    if (job->requester != nullptr) job->requester->notify();
    resumed_.notify_all();
    return true;
}

void Context::serve_parked(const ParkedThread& parked) {
    const auto tracer_waits = [this] { return stop_request_.load(std::memory_order_acquire) != kNoStop; };
    std::unique_lock lock(mutex_);
    state_.parked = true;
    state_.at_rest = &parked;
    while (!ending()) {
        if (run_job(lock, parked)) continue;
        if (state_.run_state != RunState::kStopped || tracer_waits()) break;
        resumed_.wait(lock);
    }
    state_.at_rest = nullptr;
    state_.parked = false;
}

bool Context::trace_stop(const Tracee& tracee, const ParkedThread& parked, TraceEvent event) {
    std::unique_lock lock(mutex_);
    if (state_.tracee.get() != &tracee) return false;
    if (must_leave_stop(event.kind)) return true;
    const StopKind kind = event.kind;
    if (kind == StopKind::kAsked || kind == StopKind::kSpaceSwitch) {
        // It may have been taken back.
        if (stop_request_.exchange(kNoStop, std::memory_order_acq_rel) == kNoStop) return true;
        waiter_.unhalt();
    }
    event.context = id_;
    event.stopped = true;
    const auto keep = state_.tracee;
    state_.parked = true;
    state_.at_rest = &parked;
    state_.trace_stopped = true;
    // Recorded under the lock, so that whoever ends the stop finds it and does not come before it.
    auto session = keep->session();
    const bool recorded = session != nullptr && session->record(event);
    lock.unlock();
    if (recorded) session->tell(event);
    // The last reference to a session lets go of contexts.
    session.reset();
    lock.lock();
    while (state_.trace_stopped && !must_leave_stop(kind))
        if (!run_job(lock, parked)) resumed_.wait(lock);
    state_.trace_stopped = false;
    state_.at_rest = nullptr;
    state_.parked = false;
    return state_.tracee != nullptr;
}

}  // namespace halfcell::task
