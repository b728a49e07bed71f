#pragma once

// What a run looks like, as JSON. All of these take the locks of what they look at, one after the other
// (context table, context, address space, file table, scheme registry); hold none. They drop references to
// what they have looked at, and may so close what others have closed meanwhile: they belong on a thread that
// may.

#include <cstdint>
#include <span>

#include "kernel_shim/base/json.h"
#include "kernel_shim/control/services.h"
#include "kernel_shim/control/wait_graph.h"
#include "kernel_shim/task/kernel.h"

namespace halfcell::control {

// Lists are cut off here; "left_off" then says how many there are besides.
inline constexpr std::size_t kMostRows = 4096;

// Every process with its threads: pid, parent, group, session, name, state, ids, threads with what each is
// in.
[[nodiscard]] OrderedJson report_processes(const task::Kernel& kernel,
                                           std::span<const ProcessSummary> processes);

// The descriptors of a process: number, scheme, handle, flags, offset, path where the scheme is served
// in-process. ESRCH.
[[nodiscard]] Result<OrderedJson> report_descriptors(const task::Kernel& kernel, std::uint32_t pid);

// Its grants: first address, size, rights, kind. ESRCH.
[[nodiscard]] Result<OrderedJson> report_maps(const task::Kernel& kernel, std::uint32_t pid);

// Id, name, and who serves it.
[[nodiscard]] OrderedJson report_schemes(const task::Kernel& kernel);

// The waits, and the deadlocks in words.
[[nodiscard]] OrderedJson report_waits(const WaitGraph& graph);

// Counters of the kernel: contexts by state, memory, futexes, events, uptime.
[[nodiscard]] OrderedJson report_kernel(const task::Kernel& kernel);

}  // namespace halfcell::control
