#include <bit>

#include "kernel_shim/task/context.h"

// Signals as the kernel sees them: it neither queues nor chooses them, it only decides when the thread jumps
// to its handler. Source: kernel:src/context/signal.rs signal_handler.

namespace halfcell::task {

namespace {

// Upstream looks for signals at timer ticks that end a quantum, so a context always runs for one before its
// first signal. Source: kernel:src/context/switch.rs tick.
constexpr auto kQuantum = std::chrono::milliseconds(12);

}  // namespace

std::shared_ptr<const SignalState> Context::signals() const {
    return signals_.with([](const auto& signals) { return signals; });
}

void Context::set_signals(std::shared_ptr<const SignalState> signals) {
    has_signals_.store(signals != nullptr, std::memory_order_release);
    // The replaced one is destroyed outside the lock, with the argument.
    signals_.with([&](auto& current) { current.swap(signals); });
}

bool Context::signal_pending() const {
    if (!has_signals_.load(std::memory_order_acquire)) return false;
    const auto signals = this->signals();
    return signals != nullptr && signals->pending_unblocked() != 0;
}

void Context::begin_undisturbed() {
    std::lock_guard lock(mutex_);
    state_.begins_undisturbed = true;
}

void Context::signal_raised() {
    waiter_.interrupt();
    std::lock_guard lock(mutex_);
    if (state_.run_state != RunState::kDead) ask_for_park(state_);
}

std::optional<Context::NextSignal> Context::next_signal() const {
    const auto signals = this->signals();
    if (signals == nullptr || !may_deliver(*signals)) return std::nullopt;
    const std::uint64_t waiting = signals->pending_unblocked();
    const auto* const process = signals->proc_control.structure<const abi::SigProcControl>();
    if (waiting == 0 || process == nullptr) return std::nullopt;
    const auto number = static_cast<std::uint32_t>(std::countr_zero(waiting)) + 1;
    const std::uint64_t action = abi::load_relaxed(process->actions[number - 1].first);
    return NextSignal{number, action & abi::ActionBits::kHandlerMask};
}

void Context::drop_signal(std::uint32_t number) {
    const auto signals = this->signals();
    if (signals == nullptr) return;
    const std::uint64_t bit = abi::signal_bit(number);
    if (auto* const process = signals->proc_control.structure<abi::SigProcControl>())
        __atomic_fetch_and(&process->pending, ~bit, __ATOMIC_ACQ_REL);
    if (auto* const thread = signals->thread_control.structure<abi::Sigcontrol>()) {
        const std::uint32_t index = number - 1;
        __atomic_fetch_and(&thread->word[index / 32], ~(std::uint64_t{1} << (index % 32)), __ATOMIC_ACQ_REL);
    }
}

bool Context::may_deliver(const SignalState& signals) const {
    const auto* const control = signals.thread_control.structure<const abi::Sigcontrol>();
    if (control == nullptr) return false;
    const std::uint64_t inhibited = static_cast<std::uint64_t>(abi::SigcontrolFlags::kInhibitDelivery);
    if ((abi::load_relaxed(control->control_flags.value) & inhibited) != 0) return false;
    std::lock_guard lock(mutex_);
    return !state_.begins_undisturbed || std::chrono::steady_clock::now() - state_.launch_time >= kQuantum;
}

Result<Context::Delivery> Context::deliver_signal(machine::GuestThread& thread) {
    const auto signals = this->signals();
    if (signals == nullptr || signals->pending_unblocked() == 0) return Delivery::kNone;
    auto* const control = signals->thread_control.structure<abi::Sigcontrol>();
    const std::uint64_t inhibited = static_cast<std::uint64_t>(abi::SigcontrolFlags::kInhibitDelivery);
    if (!may_deliver(*signals)) return Delivery::kInhibited;
    auto registers = TRY(thread.registers());
    // The page may hold anything, and may be shared with whoever; the thread itself does not run now.
    __atomic_store_n(&control->saved_ip.value, registers.rip, __ATOMIC_RELAXED);
    __atomic_store_n(&control->saved_archdep_reg.value, registers.rflags, __ATOMIC_RELAXED);
    __atomic_fetch_or(&control->control_flags.value, inhibited, __ATOMIC_RELEASE);
    registers.rip = signals->user_handler;
    TRY(thread.set_registers(registers));
    return Delivery::kDelivered;
}

}  // namespace halfcell::task
