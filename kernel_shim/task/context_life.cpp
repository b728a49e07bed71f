#include <utility>

#include "kernel_shim/task/context.h"
#include "kernel_shim/task/trace_session.h"

// The states of a context and the ways between them. Source: kernel:src/context/context.rs Status and
// kernel:src/scheme/proc.rs (verbs).

namespace halfcell::task {

RunState Context::state() const {
    std::lock_guard lock(mutex_);
    return state_.run_state;
}

bool Context::launched() const {
    std::lock_guard lock(mutex_);
    return state_.launched;
}

bool Context::has_run() const {
    std::lock_guard lock(mutex_);
    return state_.has_run;
}

std::pair<abi::ContextStatus, abi::Exception> Context::status() const {
    const bool blocked = waiter_.reason() != nullptr;
    std::lock_guard lock(mutex_);
    // A kill shows at once, before the context has really died.
    if (state_.forced && !state_.exception) return {abi::ContextStatus::kForceKilled, {}};
    switch (state_.run_state) {
        case RunState::kNotStarted:
            return {abi::ContextStatus::kNotYetStarted, {}};
        case RunState::kStopped:
            return {abi::ContextStatus::kStopped, {}};
        case RunState::kDead:
            if (state_.exception) return {abi::ContextStatus::kUnhandledExcp, *state_.exception};
            return {abi::ContextStatus::kDead, {}};
        case RunState::kRunnable:
            break;
    }
    return {blocked ? abi::ContextStatus::kBlocked : abi::ContextStatus::kRunnable, {}};
}

Result<void> Context::mark_started() {
    std::lock_guard lock(mutex_);
    if (state_.run_state != RunState::kNotStarted) return fail(Errno::kEINVAL);
    state_.run_state = RunState::kRunnable;
    state_.launched = true;
    state_.has_run = true;
    state_.launch_time = std::chrono::steady_clock::now();
    return {};
}

Result<void> Context::stop() {
    std::lock_guard lock(mutex_);
    if (state_.run_state == RunState::kDead) return fail(Errno::kEOWNERDEAD);
    state_.run_state = RunState::kStopped;
    // Upstream wakes nobody who is stopped, so that a stopped reader takes nothing.
    waiter_.hold();
    ask_for_park(state_);
    return {};
}

bool Context::unstop() {
    bool never_started = false;
    {
        std::lock_guard lock(mutex_);
        if (state_.run_state != RunState::kStopped) return false;
        state_.run_state = RunState::kRunnable;
        never_started = !std::exchange(state_.launched, true);
        state_.has_run = true;
        resumed_.notify_all();
        // A wait that was going on when the context was stopped ends as if woken without its event. Under the
        // lock, so that the next stop cannot come in between.
        waiter_.interrupt();
        waiter_.release();
    }
    return never_started;
}

bool Context::interrupt() {
    return waiter_.interrupt();
}

bool Context::kill(bool forced) {
    bool never_started = false;
    {
        std::lock_guard lock(mutex_);
        if (state_.run_state == RunState::kDead) return false;
        ending_.store(true, std::memory_order_release);
        state_.forced = state_.forced || forced;
        if (forced && state_.announced_exit && !state_.exit_begun)
            state_.exit_begun = true;
        else
            state_.kill_now = state_.kill_now || forced;
        if (state_.run_state == RunState::kStopped) state_.run_state = RunState::kRunnable;
        never_started = !std::exchange(state_.launched, true);
        ask_for_park(state_);
    }
    waiter_.kill();
    return never_started;
}

void Context::announce_exit(std::int32_t wait_status) {
    std::lock_guard lock(mutex_);
    if (!state_.announced_exit) state_.announced_exit = wait_status;
}

void Context::die(std::optional<abi::Exception> exception) {
    std::shared_ptr<fd::FdTable> files;
    std::shared_ptr<mem::AddressSpace> space;
    std::vector<std::function<void(Context&)>> callbacks;
    std::vector<std::shared_ptr<Job>> jobs;
    std::optional<SpaceSwitch> missed_switch;
    std::shared_ptr<Tracee> tracee;
    std::uint32_t pid = 0;
    {
        std::lock_guard lock(mutex_);
        missed_switch = std::exchange(state_.pending_switch, std::nullopt);
        files = std::exchange(state_.files, std::make_shared<fd::FdTable>());
        state_.files->join();
        state_.leaving = true;
        space = std::move(state_.space);
        pid = state_.attributes.pid;
    }
    // The status is still Runnable here, so that schemes may be spoken to.
    for (fd::Descriptor& descriptor : files->leave())
        (void)fd::close_descriptor(std::move(descriptor), pid);
    files.reset();
    space.reset();
    missed_switch.reset();
    set_signals(nullptr);
    {
        std::lock_guard lock(mutex_);
        state_.run_state = RunState::kDead;
        state_.exception = exception;
        tracee = std::exchange(state_.tracee, nullptr);
        callbacks.swap(state_.death_callbacks);
        jobs.swap(state_.jobs);
        for (const auto& job : jobs)
            if (job->requester != nullptr) job->requester->notify();
    }
    // A parent that hears of the end from the process manager finds its tracer's handle informed, and whoever
    // is told of the event finds the process manager informed.
    const TraceEvent ended = event_of(id_, StopKind::kEnded, 0);
    const auto session = tracee == nullptr ? nullptr : tracee->session();
    const bool recorded = session != nullptr && session->record(ended);
    for (const auto& callback : callbacks)
        callback(*this);
    if (recorded) session->tell(ended);
}

void Context::on_death(std::function<void(Context&)> callback) {
    {
        std::lock_guard lock(mutex_);
        if (state_.run_state != RunState::kDead) {
            state_.death_callbacks.push_back(std::move(callback));
            return;
        }
    }
    callback(*this);
}

}  // namespace halfcell::task
