#pragma once

// What the kernel holds on behalf of programs, in numbers: contexts, pipes, descriptors, who waits for what.
// As /scheme/sys tells it; what a test compares before and after.

#include <string>

#include "userland/rt/result.h"

namespace halfcell::userland {

// A line each.
Result<std::string> holdings();

// Waits until they are what they were: what a process leaves may go a moment after its end. What they are in
// the end, "" where that is as before. Ten seconds at most.
Result<std::string> await_holdings(const std::string& before);

}  // namespace halfcell::userland
