#include "kernel_shim/wait/waiter.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

#include "kernel_shim/base/after_locks.h"
#include "kernel_shim/wait/interrupter.h"

namespace halfcell::wait {

namespace {

thread_local Waiter* waiter_of_this_thread = nullptr;

// What is to be told when the thread that breaks a late wait holds no lock any more.
struct Breakage {
    std::shared_ptr<LateWait> wait;
    Wake how;
    std::uint64_t ticket;
};

void tell(void* argument) {
    const std::unique_ptr<Breakage> breakage(static_cast<Breakage*>(argument));
    breakage->wait->broken(breakage->how, breakage->ticket);
}

}  // namespace

Waiter* Waiter::of_this_thread() {
    return waiter_of_this_thread;
}

void Waiter::adopt_this_thread() {
    waiter_of_this_thread = this;
}

Waiter::Aside::Aside() : own_(std::exchange(waiter_of_this_thread, nullptr)) {}

Waiter::Aside::~Aside() {
    waiter_of_this_thread = own_;
}

void Waiter::prepare(const Wait& wait) {
    has_slept_.store(true, std::memory_order_relaxed);
    std::lock_guard lock(mutex_);
    state_.wait = wait;
    ++waits_;
    state_.wake.reset();
    word_.arm();
}

void Waiter::prepare_late(const Wait& wait, LateWait& late, std::uint64_t ticket) {
    has_slept_.store(true, std::memory_order_relaxed);
    std::lock_guard lock(mutex_);
    state_ = {.wait = wait, .late = &late, .ticket = ticket};
    ++waits_;
}

void Waiter::break_if_due() {
    if (killed())
        kill();
    else
        end_if_signalled();
}

void Waiter::end_late() {
    std::lock_guard lock(mutex_);
    state_ = {};
}

Wake Waiter::sleep(Deadline deadline) {
    if (!killed()) (void)word_.sleep(deadline);
    std::unique_lock lock(mutex_);
    released_.wait(lock, [this] { return may_go_on(); });
    const Wake how = killed() ? Wake::kKilled : state_.wake.value_or(Wake::kTimedOut);
    if (how == Wake::kHalted) broken_ = true;
    state_ = {};
    return how;
}

namespace {

// What is left until the deadline, as ppoll wants it; never negative.
timespec time_left(std::chrono::steady_clock::time_point deadline) {
    using namespace std::chrono;
    const auto left = std::max(deadline - steady_clock::now(), steady_clock::duration::zero());
    const auto whole = duration_cast<seconds>(left);
    return {.tv_sec = whole.count(), .tv_nsec = duration_cast<nanoseconds>(left - whole).count()};
}

}  // namespace

Wake Waiter::sleep_on_file(int host_file, short poll_events, Deadline deadline) {
    const int event_file = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    {
        std::lock_guard lock(mutex_);
        if (event_file < 0) {
            state_ = {};
            return Wake::kInterrupted;  // no descriptor left: the call ends with EINTR, not a hang
        }
        state_.event_file = event_file;
    }
    bool ready = false;
    bool timed_out = false;
    const auto ended = [this] {
        std::lock_guard lock(mutex_);
        return state_.wake.has_value() || killed();
    };
    while (!ready && !timed_out && !ended()) {
        pollfd files[2] = {{event_file, POLLIN, 0}, {host_file, poll_events, 0}};
        timespec left{};
        if (deadline) left = time_left(*deadline);
        const int count = ::ppoll(files, 2, deadline ? &left : nullptr, nullptr);
        if (count < 0 && errno != EINTR) break;
        ready = count > 0 && files[1].revents != 0;
        timed_out = count == 0;
    }
    std::unique_lock lock(mutex_);
    released_.wait(lock, [this] { return may_go_on(); });
    Wake how = Wake::kInterrupted;
    if (killed())
        how = Wake::kKilled;
    else if (state_.wake)
        how = *state_.wake;
    else if (ready)
        how = Wake::kNotified;
    else if (timed_out)
        how = Wake::kTimedOut;
    if (how == Wake::kHalted) broken_ = true;
    state_ = {};
    ::close(event_file);
    return how;
}

void Waiter::end_wait(Wake how) {
    if (state_.wake) return;
    state_.wake = how;
    if (state_.late != nullptr) {
        if (how == Wake::kHalted) broken_ = true;
        if (auto wait = state_.late->hold())
            after_locks(tell, new Breakage{std::move(wait), how, state_.ticket});
        return;
    }
    if (state_.event_file >= 0) {
        const std::uint64_t one = 1;
        // A full counter is as good as one more: the sleeper wakes either way.
        [[maybe_unused]] const auto written = ::write(state_.event_file, &one, sizeof one);
    }
    word_.wake();
}

void Waiter::notify() {
    std::lock_guard lock(mutex_);
    if (state_.wait.reason != nullptr) end_wait(Wake::kNotified);
}

bool Waiter::interrupt() {
    std::lock_guard lock(mutex_);
    Interrupter::of_this_process().break_for_signal(*this);
    if (state_.wait.reason == nullptr) return false;
    end_wait(Wake::kInterrupted);
    return true;
}

void Waiter::halt() {
    halted_.store(true, std::memory_order_release);
    std::lock_guard lock(mutex_);
    if (state_.wait.reason != nullptr) end_wait(Wake::kHalted);
}

void Waiter::hold() {
    std::lock_guard lock(mutex_);
    held_ = true;
    Interrupter::of_this_process().break_for_good(*this);
}

void Waiter::release() {
    std::lock_guard lock(mutex_);
    held_ = false;
    released_.notify_all();
}

void Waiter::kill() {
    killed_.store(true, std::memory_order_release);
    std::lock_guard lock(mutex_);
    state_.wake.reset();
    end_wait(Wake::kKilled);
    Interrupter::of_this_process().break_for_good(*this);
    released_.notify_all();
}

bool Waiter::held() const {
    std::lock_guard lock(mutex_);
    return held_;
}

const char* Waiter::reason() const {
    std::lock_guard lock(mutex_);
    return state_.wait.reason;
}

WaitView Waiter::view() const {
    std::lock_guard lock(mutex_);
    return {state_.wake ? Wait{} : state_.wait, waits_};
}

}  // namespace halfcell::wait
