#pragma once

// The expressions of test(1).

#include <span>
#include <string>
#include <string_view>

namespace halfcell::userland {

// Evaluates the arguments of test: 0 for true, 1 for false, 2 for a wrong expression with `error` saying why.
int evaluate_test(std::span<const std::string_view> arguments, std::string& error);

}  // namespace halfcell::userland
