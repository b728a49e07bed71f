#pragma once

// The names of files that a Tab completes. Pure: directories are read through an interface; tested on the
// host.

#include <string>
#include <string_view>
#include <vector>

#include "userland/sh/pathname.h"

namespace halfcell::userland::sh {

struct Completion {
    std::string added;               // what to insert behind the text
    std::vector<std::string> names;  // all that fit, sorted
};

// Completes the word at the end of `text` as the name of a file: what all that fit have in common, then a
// slash for a directory or a blank. Characters that mean something to the shell get a backslash.
Completion complete_path(std::string_view text, Directories& directories);

}  // namespace halfcell::userland::sh
