#pragma once

// The registration of signals, for the runtime's own use at start, fork and exec.

#include <cstdint>

#include "userland/rt/syscall.h"

namespace halfcell::userland {

// Registers this thread with the kernel and the process manager. A process that cannot be registered runs on
// without signals.
void start_signals(std::uint64_t blocked, std::uint64_t ignored);

// Gives another thread, which begins with a copy of this address space, the registration of this one; `child`
// and `process` are its descriptors.
Result<void> register_signals(Fd thread, Fd process);

// What waits for this process and this thread, to be forgotten by a child whose memory is a copy.
struct PendingSignals {
    std::uint64_t process;
    std::uint64_t thread[2];
};
PendingSignals pending_signals();
void forget_signals(const PendingSignals& signals);

// Takes the registration away, before the address space goes.
void stop_signals();

// Signals that are ignored because a program said so, bit signal-1; for the next program.
std::uint64_t ignored_signals();

}  // namespace halfcell::userland
