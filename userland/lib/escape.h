#pragma once

// Backslash escapes, as echo -e, printf and tr have them. Pure; tested on the host.

#include <string>
#include <string_view>

namespace halfcell::userland {

enum class OctalStyle {
    kPlain,        // \NNN: printf's format, tr
    kZeroPrefixed  // \0NNN: echo -e, printf's %b (which takes \NNN too)
};

struct Unescaped {
    std::string text;
    bool stopped = false;  // "\c" was met: no output beyond this.
};

// \a \b \e \f \n \r \t \v \\ \xHH and octal; an unknown escape stays as it is.
Unescaped unescape(std::string_view text, OctalStyle style);

// Reads one escape at text[at] == '\\', appends what it means and moves `at` behind it. Returns true for
// "\c".
bool unescape_one(std::string_view text, std::size_t& at, OctalStyle style, std::string& result);

}  // namespace halfcell::userland
