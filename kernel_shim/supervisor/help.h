#pragma once

// What --help says of a command beyond the list of its options.

#include <string_view>

namespace halfcell::supervisor {

struct CommandHelp {
    std::string_view command;  // "halfcell": the program itself
    std::string_view
        behind;  // the words that follow the options, after a blank, where these do not name them
    const char* footer;
};

// Null for a command that the help does not list.
[[nodiscard]] const CommandHelp* help_of(std::string_view command);

}  // namespace halfcell::supervisor
