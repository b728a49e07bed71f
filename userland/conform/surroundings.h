#pragma once

// Where this run takes place, and what differs there: how to reach a kernel scheme, this context, a new one.

#include <string_view>

#include "userland/conform/calls.h"
#include "userland/conform/probe.h"

namespace halfcell::userland::conform {

// Known before main: the first context of a kernel has no stack.
Surroundings surroundings();

// A descriptor of a kernel scheme: by its capability in boot, through the namespace else. What SYS_OPENAT
// says.
uint64_t open_kernel(abi::GlobalSchemes scheme, std::string_view path, uint64_t flags = Open::kRdwr);

// The authority over contexts. In boot only.
inline constexpr uint64_t kAuthority = kTag | 9;

// A handle on the context that a probe begins in; in boot a fresh one for whoever asks.
uint64_t own_thread();
// A new context that was never started, of this process where there are processes. What SYS_DUP says.
uint64_t new_context();

// In boot: ends this context and nothing else.
[[noreturn]] void end_boot_context();

}  // namespace halfcell::userland::conform
