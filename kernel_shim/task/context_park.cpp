#include <algorithm>

#include "kernel_shim/task/context.h"

// Stopping a running thread, and what is done with it meanwhile.

namespace halfcell::task {

void Context::ask_for_park(State& state) {
    attention_.store(true, std::memory_order_release);
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
        if (asleep_in_call()) return fail(Errno::kEBUSY);
        state_.jobs.push_back(entry);
        ask_for_park(state_);
    }
    for (;;) {
        requester.prepare("Context::inspect");
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
        const bool interrupted = wake == wait::Wake::kInterrupted || wake == wait::Wake::kKilled;
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

void Context::serve_parked(const ParkedThread& parked) {
    std::unique_lock lock(mutex_);
    state_.parked = true;
    while (!ending()) {
        if (!state_.jobs.empty()) {
            const auto job = state_.jobs.front();
            state_.jobs.erase(state_.jobs.begin());
            job->running = true;
            lock.unlock();
            job->run(parked);
            lock.lock();
            job->running = false;
            job->done = true;
            if (job->requester != nullptr) job->requester->notify();
        } else if (state_.run_state == RunState::kStopped) {
            resumed_.wait(lock);
        } else {
            break;
        }
    }
    state_.parked = false;
}

}  // namespace halfcell::task
