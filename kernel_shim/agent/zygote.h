#pragma once

// The process all address-space processes are forked from: an agent with an empty address space. Forking it
// costs a fifth of forking the supervisor and emptying the copy each time.

#include <memory>

#include "kernel_shim/agent/agent_process.h"
#include "kernel_shim/agent/image.h"
#include "kernel_shim/agent/reaper.h"
#include "kernel_shim/agent/slot_file.h"
#include "kernel_shim/base/result.h"

namespace halfcell::agent {

// Forks the supervisor and empties the copy. Call it on the main thread, which must not end before the
// process does: all guests die with the thread that made the zygote. EAGAIN, EMFILE, ENFILE, ENOMEM.
Result<std::shared_ptr<AgentProcess>> start_zygote(const StubImage& image, std::shared_ptr<SlotFile> pages);

// A new address-space process, forked by the agent of `parent` (the zygote, or a guest, whose mappings it
// then has) and known to the reaper. One at a time for each parent that can die meanwhile, which the
// zygote cannot. EAGAIN, ENOMEM, EMFILE; ESRCH when `parent` is gone.
Result<std::shared_ptr<AgentProcess>> fork_process(AgentProcess& parent, std::shared_ptr<SlotFile> pages,
                                                   Reaper& reaper);

}  // namespace halfcell::agent
