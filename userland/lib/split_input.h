#pragma once

// The items of xargs's input. Pure; tested on the host.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace halfcell::userland {

enum class ItemStyle {
    kQuoted,  // separated by blanks and newlines; '…', "…" and backslashes protect
    kLines,   // one a line, leading blanks dropped; quotes protect
    kNul      // separated by NUL, nothing is special
};

// Nothing for a quote that does not end in its line.
std::optional<std::vector<std::string>> split_items(std::string_view text, ItemStyle style);

}  // namespace halfcell::userland
