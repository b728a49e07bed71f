#pragma once

// Removing files and whole trees, for rm and mv.

#include <string_view>

#include "userland/rt/syscall.h"

namespace halfcell::userland {

struct RemoveOptions {
    bool recursive = false;
    bool force = false;        // A missing file is no error.
    bool interactive = false;  // Ask before each removal.
    bool empty_directories = false;
    bool verbose = false;
};

// Removes what the operand names; complains about what cannot be removed and goes on. Returns whether all is
// gone.
bool remove_operand(std::string_view path, const RemoveOptions& options);

}  // namespace halfcell::userland
