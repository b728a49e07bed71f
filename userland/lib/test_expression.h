#pragma once

// The expressions of test(1).

#include <span>
#include <string_view>

namespace halfcell::userland {

// Evaluates the arguments of test. Returns 0 for true, 1 for false, 2 after a complaint about a wrong
// expression.
int evaluate_test(std::span<const std::string_view> arguments);

}  // namespace halfcell::userland
