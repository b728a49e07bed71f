#include "userland/sh/traps.h"

#include <algorithm>

#include "userland/rt/signal.h"

namespace halfcell::userland::sh {
namespace {

// Set by handlers, taken by the shell.
constinit std::uint64_t pending = 0;
constinit std::uint32_t interrupts = 0;

void note(std::uint32_t signal) {
    __atomic_fetch_or(&pending, abi::signal_bit(signal), __ATOMIC_ACQ_REL);
}

void note_interrupt(std::uint32_t) {
    __atomic_store_n(&interrupts, 1U, __ATOMIC_RELEASE);
}

bool ignored_by_interactive(std::uint32_t signal) {
    return signal == Signal::kQuit || signal == Signal::kTerm || signal == Signal::kTstp ||
           signal == Signal::kTtin || signal == Signal::kTtou;
}

}  // namespace

void Traps::set(std::uint32_t signal, std::optional<std::string> action) {
    if (!interactive_ && signal != kExitTrap && signal_is_ignored(signal) &&
        this->action(signal) == nullptr) {
        ignored_at_start_ |= abi::signal_bit(signal);
    }
    std::erase_if(traps_, [signal](const Trap& trap) { return trap.signal == signal; });
    if (action) {
        const auto at =
            std::lower_bound(traps_.begin(), traps_.end(), signal,
                             [](const Trap& trap, std::uint32_t value) { return trap.signal < value; });
        traps_.insert(at, {signal, std::move(*action)});
    }
    if (signal != kExitTrap) install(signal);
}

const std::string* Traps::action(std::uint32_t signal) const {
    for (const Trap& trap : traps_) {
        if (trap.signal == signal) return &trap.action;
    }
    return nullptr;
}

void Traps::install(std::uint32_t signal) {
    if ((ignored_at_start_ & abi::signal_bit(signal)) != 0) return;
    const std::string* const wanted = action(signal);
    if (wanted != nullptr) {
        if (wanted->empty()) {
            ignore_signal(signal);
        } else {
            handle_signal(signal, note);
        }
    } else if (interactive_ && signal == Signal::kInt) {
        handle_signal(signal, note_interrupt);
    } else if (interactive_ && ignored_by_interactive(signal)) {
        ignore_signal(signal);
    } else {
        reset_signal(signal);
    }
}

void Traps::forget_actions() {
    std::vector<std::uint32_t> gone;
    for (const Trap& trap : traps_) {
        if (!trap.action.empty()) gone.push_back(trap.signal);
    }
    for (const std::uint32_t signal : gone)
        set(signal, {});
    __atomic_store_n(&pending, 0, __ATOMIC_RELEASE);
}

void Traps::begin_interactive() {
    interactive_ = true;
    for (const std::uint32_t signal : {Signal::kInt, Signal::kQuit, Signal::kTerm})
        install(signal);
}

void Traps::ignore_stops() {
    for (const std::uint32_t signal : {Signal::kTstp, Signal::kTtin, Signal::kTtou})
        install(signal);
}

void Traps::end_interactive() {
    if (!interactive_) return;
    interactive_ = false;
    for (const std::uint32_t signal :
         {Signal::kInt, Signal::kQuit, Signal::kTerm, Signal::kTstp, Signal::kTtin, Signal::kTtou})
        install(signal);
}

std::uint32_t Traps::lowest_pending() {
    const std::uint64_t waiting = __atomic_load_n(&pending, __ATOMIC_ACQUIRE);
    return waiting == 0 ? 0 : static_cast<std::uint32_t>(__builtin_ctzll(waiting)) + 1;
}

bool Traps::is_pending(std::uint32_t signal) {
    return (__atomic_load_n(&pending, __ATOMIC_ACQUIRE) & abi::signal_bit(signal)) != 0;
}

std::uint32_t Traps::take_pending() {
    const std::uint32_t signal = lowest_pending();
    if (signal != 0) __atomic_fetch_and(&pending, ~abi::signal_bit(signal), __ATOMIC_ACQ_REL);
    return signal;
}

bool Traps::interrupted() {
    return __atomic_load_n(&interrupts, __ATOMIC_ACQUIRE) != 0;
}

bool Traps::take_interrupt() {
    return __atomic_exchange_n(&interrupts, 0U, __ATOMIC_ACQ_REL) != 0;
}

}  // namespace halfcell::userland::sh
