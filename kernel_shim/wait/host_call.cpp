#include "kernel_shim/wait/host_call.h"

#include <unistd.h>

#include <utility>

#include "kernel_shim/wait/interrupter.h"
#include "kernel_shim/wait/waiter.h"

namespace halfcell::wait {

namespace {

thread_local int unbroken_depth = 0;
thread_local HostCall::Guest guest_of_this_thread;

pid_t id_of_this_thread() {
    // Asking Linux is a call; a worker makes one for life.
    static thread_local const pid_t id = ::gettid();
    return id;
}

}  // namespace

void HostCall::set_guest(Guest guest) {
    guest_of_this_thread = std::move(guest);
}

HostCall::HostCall(Restart restart)
    : waiter_(unbroken_depth == 0 ? Waiter::of_this_thread() : nullptr),
      guest_(&guest_of_this_thread),
      thread_(waiter_ != nullptr ? id_of_this_thread() : 0),
      restart_(restart) {
    if (waiter_ == nullptr) return;
    Interrupter::of_this_process().add(*this);
    // What came before it was on the list. What comes after finds it there.
    if (waiter_->held())
        Interrupter::of_this_process().break_for_good(*waiter_);
    else if (waiter_->signal_pending())
        Interrupter::of_this_process().break_for_signal(*waiter_);
}

HostCall::~HostCall() {
    if (waiter_ != nullptr) Interrupter::of_this_process().remove(*this);
}

bool HostCall::killed() const {
    return waiter_ != nullptr && waiter_->killed();
}

// Only here is it known whether the signals that wait are of the kind that restarts the call.
bool HostCall::confirm_end() {
    if (break_.load(std::memory_order_acquire) == Break::kFinal || restart_ == Restart::kIgnored) return true;
    if (!guest_->signals_restart || !guest_->signals_restart()) return true;
    Interrupter::of_this_process().let_go_on(*this);
    return break_.load(std::memory_order_acquire) == Break::kFinal;
}

HostCall::Unbroken::Unbroken() {
    ++unbroken_depth;
}

HostCall::Unbroken::~Unbroken() {
    --unbroken_depth;
}

}  // namespace halfcell::wait
