#pragma once

// What is said of a mistake in the command line: one line with the command, what is wrong, and what to do
// next. Options are known here by their long names, without dashes.

#include <span>
#include <string>
#include <string_view>

namespace halfcell::supervisor {

// Says "halfcell COMMAND: WHAT; see halfcell COMMAND --help" on standard error. An empty command is the
// program itself.
void complain(std::string_view command, std::string_view what);

// What to say of a first word that is no command. Pure.
[[nodiscard]] std::string no_command(const std::string& word, std::span<const std::string> commands);

// What to say where there is none. Pure.
[[nodiscard]] std::string command_missing(std::span<const std::string> commands);

// What to say of an option, which may have a value, that is none of these. Pure.
[[nodiscard]] std::string unknown_option(std::string_view word, std::span<const std::string> options);

}  // namespace halfcell::supervisor
