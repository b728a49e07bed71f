#pragma once

// What the kernel holds on behalf of programs, in numbers: contexts, pipes, descriptors, who waits for what.
// As /scheme/sys tells it; what a test compares before and after.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "userland/rt/result.h"

namespace halfcell::userland {

// By name, always in the same order.
using Holdings = std::vector<std::pair<std::string, std::uint64_t>>;

// Waits until they have been the same for a while: what a process leaves may go a moment after its end.
Result<Holdings> settled_holdings();

// Waits until none is more than it was, ten seconds at most; what is more then, in words, or "".
Result<std::string> await_no_more_than(const Holdings& before);

}  // namespace halfcell::userland
