#pragma once

// The park signal, and a look at what a guest thread does with it.

#include <sys/types.h>

#include <csignal>
#include <cstdint>

namespace halfcell::agent {

// Sent to one guest thread to make it park.
inline constexpr int kParkSignal = SIGUSR1;

struct SignalLook {
    bool blocked = false;
    bool pending = false;
    std::uint64_t cpu_ticks = 0;  // CPU time the thread has used, in clock ticks
};

// From /proc. All false when the thread is gone or /proc cannot be read.
[[nodiscard]] SignalLook look_at_signal(pid_t process, pid_t thread, int signal);

}  // namespace halfcell::agent
