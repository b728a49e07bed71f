#pragma once

// Who waits for whom. Every wait has a reason, and many know who can end them; those that only each other can
// end are a deadlock.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernel_shim/control/services.h"
#include "kernel_shim/task/kernel.h"

namespace halfcell::control {

// A context, by its place in WaitGraph::contexts.
using ContextIndex = std::size_t;

struct ContextInGraph {
    std::uint64_t context = 0;
    std::uint32_t pid = 0;
    std::string name;
    std::string reason;  // empty: it does not wait
    std::string call;    // the call it waits in; may be empty
    bool timed = false;  // the wait ends by itself
    // Who can end the wait; nullopt where that is not known, or somebody outside of the run.
    std::optional<std::vector<ContextIndex>> wakers;
};

// Contexts that wait for good, unless a signal comes: each of them knows who could end its wait, and those
// are in the same group. The order is the one in which each waits for the next, as far as that goes.
using Deadlock = std::vector<ContextIndex>;

struct WaitGraph {
    std::vector<ContextInGraph> contexts;  // the waiting ones, and those they wait for
    std::vector<Deadlock> deadlocks;
};

// Looks at all contexts. Takes the locks of the context table, contexts, waiters and file tables, one after
// the other; hold none. Drops references to what it has looked at, and may so close what others have closed
// meanwhile.
[[nodiscard]] WaitGraph look_at_waits(const task::Kernel& kernel, std::span<const ProcessSummary> processes);

// Of these contexts; the part of the above that only thinks.
[[nodiscard]] std::vector<Deadlock> find_deadlocks(std::span<const ContextInGraph> contexts);

// "3:4 cat (PipeRead::read) waits for 5:6 dd; 5:6 dd (PipeRead::read) waits for 3:4 cat".
[[nodiscard]] std::string describe_deadlock(const WaitGraph& graph, const Deadlock& deadlock);

}  // namespace halfcell::control
