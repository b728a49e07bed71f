#pragma once

// printf(1): a format with escapes and conversions over text arguments. Pure; tested on the host.

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace halfcell::userland {

struct Formatted {
    std::string text;
    std::vector<std::string>
        complaints;     // Arguments that are no numbers, and the like; the text goes on anyway.
    std::string error;  // Not empty: the format is wrong from here on.
};

// The format is used again while arguments are left. Conversions: %d %i %u %o %x %X %f %F %e %E %g %G %c %s
// %b %q %% with flags, width and precision, either may be '*'.
Formatted format_arguments(std::string_view format, std::span<const std::string_view> arguments);

// A word as the shell would read it back, quoted where it must be.
std::string shell_quoted(std::string_view text);

}  // namespace halfcell::userland
