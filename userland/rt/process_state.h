#pragma once

// The part of the process's state that the runtime itself changes. For the runtime only.

#include "userland/rt/process.h"

namespace halfcell::userland {

// What process() shows.
Process& process_state();

// Moves a descriptor to the upper table, where ordinary numbers cannot collide with it; kept across exec. The
// descriptor is closed, whatever comes out of it. Source: relibc:redox-rt/src/proc.rs FdGuard::to_upper.
Result<UniqueFd> to_upper(UniqueFd fd);

// A handle named `name` on what is behind a descriptor, in the upper table.
Result<UniqueFd> dup_to_upper(Fd fd, std::string_view name);

// Calls a function of the process manager on this process: SYS_CALL on its descriptor.
Result<std::uint64_t> call_process(std::span<const std::uint64_t> words, std::span<std::byte> payload = {});

}  // namespace halfcell::userland
