// What a tracer does to a context. Source: Redox RFC 0004.

#include "kernel_shim/task/context.h"
#include "kernel_shim/task/trace_session.h"

namespace halfcell::task {

std::shared_ptr<Tracee> Context::tracee() const {
    if ((attention_.load(std::memory_order_acquire) & kTraced) == 0) return nullptr;
    std::lock_guard lock(mutex_);
    return state_.tracee;
}

Result<std::shared_ptr<Tracee>> Context::set_tracee(std::shared_ptr<Tracee> tracee, bool yields) {
    std::lock_guard lock(mutex_);
    if (state_.leaving || state_.run_state == RunState::kDead) return fail(Errno::kESRCH);
    if (state_.tracee != nullptr && !state_.tracee_yields) return fail(Errno::kEBUSY);
    state_.tracee.swap(tracee);
    state_.tracee_yields = yields;
    attention_.fetch_or(kTraced, std::memory_order_acq_rel);
    return tracee;
}

void Context::clear_tracee(const Tracee& tracee) {
    std::shared_ptr<Tracee> cleared;  // dropped outside the lock
    std::lock_guard lock(mutex_);
    if (state_.tracee.get() != &tracee) return;
    cleared = std::exchange(state_.tracee, nullptr);
    state_.tracee_yields = false;
    attention_.fetch_and(static_cast<std::uint8_t>(~kTraced));
    stop_request_.store(kNoStop, std::memory_order_release);
    waiter_.unhalt();
    state_.trace_stopped = false;
    // Also where it runs: a step that is under way must not be left in its flags.
    ask_for_park(state_);
}

void Context::request_trace_stop(StopKind kind) {
    std::lock_guard lock(mutex_);
    if (state_.tracee == nullptr || state_.trace_stopped) return;
    stop_request_.store(static_cast<std::uint8_t>(kind), std::memory_order_release);
    ask_for_park(state_);
    waiter_.halt();
}

std::optional<StopKind> Context::asked_trace_stop() const {
    const std::uint8_t kind = stop_request_.load(std::memory_order_acquire);
    if (kind == kNoStop) return std::nullopt;
    return static_cast<StopKind>(kind);
}

void Context::end_trace_stop(bool step, const std::function<void()>& forget) {
    std::lock_guard lock(mutex_);
    forget();
    stop_request_.store(kNoStop, std::memory_order_release);
    waiter_.unhalt();
    if (state_.trace_stopped) {
        state_.trace_stopped = false;
        resumed_.notify_all();
    } else if (step) {
        ask_for_park(state_);
    }
}

void Context::hold_parked(bool parked) {
    std::lock_guard lock(mutex_);
    state_.parked = parked;
}

bool Context::trace_stopped() const {
    std::lock_guard lock(mutex_);
    return state_.trace_stopped;
}

// A context on its way out stays to be looked at; whatever else ends it at once.
bool Context::must_leave_stop(StopKind kind) const {
    return kind == StopKind::kExit ? state_.kill_now : ending();
}

std::optional<std::int32_t> Context::exit_to_show() const {
    std::lock_guard lock(mutex_);
    if (state_.kill_now) return std::nullopt;
    return state_.announced_exit.value_or(0);
}

Result<void> Context::inspect_stopped(const ParkJob& job) {
    std::unique_lock lock(mutex_);
    // A job of somebody else's is short.
    resumed_.wait(lock, [this] { return !state_.trace_stopped || state_.at_rest != nullptr; });
    if (!state_.trace_stopped) return fail(Errno::kEBUSY);
    job(*state_.at_rest);
    return {};
}

}  // namespace halfcell::task
