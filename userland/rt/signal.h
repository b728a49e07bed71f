#pragma once

// Signals of this process: what happens when one arrives, and which ones wait. A program's first thread takes
// them all; threads made by Thread::start are not registered and are never interrupted.
// Source: relibc:redox-rt/src/signal.rs, syscall:src/sigabi.rs.

#include <cstdint>

#include "abi/sigabi.h"
#include "userland/rt/result.h"

namespace halfcell::userland {

using abi::Signal;

// Runs on the stack of the interrupted code, with the signal and `mask` blocked. It may call anything that
// the interrupted code cannot be in the middle of: of the runtime, system calls only.
using SignalHandler = void (*)(std::uint32_t signal);

// What the three below take: 1 to 64, but neither SIGKILL nor SIGSTOP; others are ignored calls.
void handle_signal(std::uint32_t signal, SignalHandler handler, std::uint64_t mask = 0);
void ignore_signal(std::uint32_t signal);
void reset_signal(std::uint32_t signal);

// Whether the signal was ignored by ignore_signal or by the program that started this one.
bool signal_is_ignored(std::uint32_t signal);

// The blocked signals, bit signal-1. Unblocking delivers what has waited before it returns.
std::uint64_t blocked_signals();
void set_blocked_signals(std::uint64_t mask);

// While one lives no handler runs: signals wait, and a call that blocks ends with EINTR when one does. So a
// flag that a handler sets can be looked at before the call without missing what comes in between. What has
// waited is delivered at the end. Nests; cannot live on the heap.
class SignalsHeld {
  public:
    SignalsHeld();
    ~SignalsHeld();
    SignalsHeld(const SignalsHeld&) = delete;
    SignalsHeld& operator=(const SignalsHeld&) = delete;

  private:
    static void* operator new(std::size_t);
    bool outermost_;
};

// Ends the process as the signal's default action does.
[[noreturn]] void exit_by_signal(std::uint32_t signal);

// Sends a signal: to a process (> 0), the own group (0), all (-1), a group (< -1). Signal 0 only asks whether
// that is allowed. ESRCH, EPERM, EINVAL.
Result<void> send_signal(std::int64_t target, std::uint32_t signal);

}  // namespace halfcell::userland
