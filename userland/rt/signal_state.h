#pragma once

// The registration of signals, for the runtime's own use at start, fork and exec.

#include <cstdint>

#include "userland/rt/foreign_space.h"
#include "userland/rt/syscall.h"

namespace halfcell::userland {

// Registers this thread with the kernel and the process manager. A process that cannot be registered runs on
// without signals.
void start_signals(std::uint64_t blocked, std::uint64_t ignored);

// Gives another thread, which begins with a copy of this address space, the registration of this one; `child`
// and `process` are its descriptors.
Result<void> register_signals(Fd thread, Fd process);

// Whether signals wait for this process or this thread, blocked or not.
bool signals_wait();
// Takes waiting signals out of `space`, a copy of this one that nobody has announced yet. Only while
// SignalsHeld.
Result<void> forget_signals(const ForeignSpace& space);

// Takes the registration away, before the address space goes.
void stop_signals();

// Signals that are ignored because a program said so, bit signal-1; for the next program.
std::uint64_t ignored_signals();

}  // namespace halfcell::userland
