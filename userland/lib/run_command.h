#pragma once

// Commands that tools run: env, find, xargs, timeout.

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace halfcell::userland {

// Runs a command, found in PATH, with this program's environment and waits for it; its exit status, 128 and
// the signal that ended it, 127 or 126 where it could not run (after a message). Flushes standard output
// first.
int run_command(std::span<const std::string> words);

// The same words as exec wants them.
std::vector<std::string> as_words(std::span<const std::string_view> views);

}  // namespace halfcell::userland
