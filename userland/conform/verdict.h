#pragma once

// How a probe's verdict travels from the probe's own context to the runner: one record over a pipe.

#include <cstdint>
#include <string_view>

#include "userland/rt/syscall.h"

namespace halfcell::userland::conform {

enum class Verdict : char { kPass = 'P', kDeviates = 'D', kFail = 'F', kSkip = 'S' };

inline constexpr std::size_t kLongestDetail = 1000;

// In the probe's context: runs it and sends the verdict, then ends the context by `leave`, also where an
// expectation does not hold.
[[noreturn]] void run_and_report(void (*probe)(), Fd pipe, void (*leave)());

}  // namespace halfcell::userland::conform
