#pragma once

// The monotonic clock for what measures time.

#include "userland/rt/syscall.h"

namespace halfcell::userland {

// Nanoseconds since some moment; 0 where the clock cannot be read.
inline std::uint64_t monotonic_nanoseconds() {
    constexpr std::uint64_t kSecond = 1'000'000'000;
    const Result<abi::TimeSpec> now = sys_clock_gettime(abi::Clock::kMonotonic);
    if (!now) return 0;
    return static_cast<std::uint64_t>(now->tv_sec) * kSecond + static_cast<std::uint64_t>(now->tv_nsec);
}

}  // namespace halfcell::userland
