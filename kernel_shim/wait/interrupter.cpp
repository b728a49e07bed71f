#include "kernel_shim/wait/interrupter.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <system_error>
#include <utility>

namespace halfcell::wait {

const int kInterruptSignal = SIGURG;

namespace {

// Between signals to workers that do not leave their calls: they wait for a CPU, or for a device that cannot
// be interrupted, and hurrying helps neither.
constexpr std::chrono::microseconds kShortestPause{500};
constexpr std::chrono::microseconds kLongestPause{200'000};

void wake_up(int) {}

}  // namespace

Interrupter& Interrupter::of_this_process() {
    static Interrupter interrupter;
    return interrupter;
}

Result<Interrupter::Running> Interrupter::start() {
    Interrupter& interrupter = of_this_process();
    struct sigaction action {};
    action.sa_handler = wake_up;
    ::sigaction(kInterruptSignal, &action, nullptr);
    HC_CHECK(!interrupter.thread_.joinable(), "a second interrupter");
    interrupter.stop_ = false;
    interrupter.process_ = ::getpid();
    try {
        interrupter.thread_ = std::thread([&interrupter] { interrupter.loop(); });
    } catch (const std::system_error&) {
        return fail(Errno::kEAGAIN);
    }
    return Running(&interrupter);
}

void Interrupter::confine(const std::function<void()>& confine) {
    Lock lock(mutex_);
    order_ = &confine;
    changed_.notify_all();
    changed_.wait(lock, [this] { return order_ == nullptr; });
}

void Interrupter::finish() {
    {
        const Lock lock(mutex_);
        HC_CHECK(first_ == nullptr, "a call of the host outlives its run");
        stop_ = true;
        changed_.notify_all();
    }
    thread_.join();
}

void Interrupter::add(HostCall& call) {
    const Lock lock(mutex_);
    call.next_ = first_;
    if (first_ != nullptr) first_->previous_ = &call;
    first_ = &call;
}

void Interrupter::remove(HostCall& call) {
    const Lock lock(mutex_);
    (call.previous_ != nullptr ? call.previous_->next_ : first_) = call.next_;
    if (call.next_ != nullptr) call.next_->previous_ = call.previous_;
}

void Interrupter::let_go_on(HostCall& call) {
    const Lock lock(mutex_);
    if (call.break_.load() == HostCall::Break::kSignal) call.break_.store(HostCall::Break::kNone);
}

void Interrupter::break_call(const Waiter& waiter, HostCall::Break how) {
    const Lock lock(mutex_);
    for (HostCall* call = first_; call != nullptr; call = call->next_) {
        if (call->waiter_ != &waiter) continue;
        if (call->break_.load() >= how) return;
        call->break_.store(how, std::memory_order_release);
        fresh_ = true;
        changed_.notify_all();
        return;
    }
}

Interrupter::Counts Interrupter::counts() const {
    const Lock lock(mutex_);
    return counts_;
}

// Nothing is allocated here, nor where calls are entered: there is nothing that scarcity could keep from
// being woken.
void Interrupter::loop() {
    pthread_setname_np(pthread_self(), "interrupter");
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    auto pause = kShortestPause;
    bool some_linger = false;
    Lock lock(mutex_);
    for (;;) {
        const auto wanted = [this] { return stop_ || order_ != nullptr || fresh_; };
        if (some_linger)
            changed_.wait_for(lock, pause, wanted);
        else
            changed_.wait(lock, wanted);
        if (stop_) return;
        if (order_ != nullptr) {
            (*order_)();
            order_ = nullptr;
            changed_.notify_all();
        }
        pause = std::exchange(fresh_, false) ? kShortestPause : std::min(2 * pause, kLongestPause);
        some_linger = signal_broken();
    }
}

// Under the lock, so that no call goes away, and its thread with it. Whether there was any.
bool Interrupter::signal_broken() {
    ++counts_.looks;
    bool any = false;
    for (const HostCall* call = first_; call != nullptr; call = call->next_) {
        if (call->break_.load() == HostCall::Break::kNone) continue;
        any = true;
        if (call->guest_->waits && !call->guest_->waits()) ++counts_.gone;
        ::syscall(SYS_tgkill, process_, call->thread_, kInterruptSignal);
        ++counts_.signals;
    }
    return any;
}

}  // namespace halfcell::wait
