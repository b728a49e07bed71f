#pragma once

// Waiting for children: what Waitpid and Waitpgid ask for, and what they find.
// Source: base:bootstrap/src/procmgr.rs on_waitpid.

#include <optional>

#include "kernel_shim/base/result.h"
#include "schemes/procmgr/process.h"

namespace halfcell::schemes::procmgr {

struct WaitTarget {
    enum class Kind : std::uint8_t { kAnyChild, kChild, kGroup };
    Kind kind = Kind::kAnyChild;
    Pid number = 0;  // kChild: its pid; kGroup: the group, 0 for the caller's own
};

// pid 0: WNOHANG, and nothing to tell.
struct ChildNews {
    Pid pid = 0;
    std::int32_t wait_status = 0;
};

// The news that a wait with `flags` (abi::WaitFlags) may have now, taken away; a child that has ended is
// forgotten with it. nullopt: nothing yet. News the caller did not ask for stay. EINVAL where the process is
// to wait for itself, ECHILD where it has no such child. The table's lock is held.
Result<std::optional<ChildNews>> take_news(ProcessMap& processes, Process& parent, WaitTarget target,
                                           std::uint64_t flags);

}  // namespace halfcell::schemes::procmgr
