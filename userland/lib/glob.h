#pragma once

// File name patterns as find -name has them. Pure; tested on the host.

#include <string_view>

namespace halfcell::userland {

// '*' any text, '?' any byte, "[a-z]" "[!x]" "[[:digit:]]" one of a set, '\' the next byte itself. All of the
// text must match. Slashes are ordinary bytes.
bool glob_matches(std::string_view pattern, std::string_view text, bool ignore_case = false);

}  // namespace halfcell::userland
