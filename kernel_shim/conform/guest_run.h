#pragma once

// Runs the embedded guest program `conform` under this very halfcell and hands out its lines.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel_shim/base/result.h"

namespace halfcell::conform {

// How a run ended.
struct RunEnd {
    bool hung = false;  // no line for too long; it was killed
    int status = 0;     // as a shell gives it
};

// `halfcell run conform WORDS`. Calls `line` for every line of its output until it returns false, which ends
// the run; else until the program ends, or until it is silent for a minute. Blocks so long. Errors of pipes
// and of the spawn.
Result<RunEnd> run_in_userland(const std::vector<std::string>& words,
                               const std::function<bool(std::string_view)>& line);

// `halfcell boot IMAGE`, the image being the program; as above. EIO where the program is not embedded.
Result<RunEnd> run_as_first_context(const std::function<bool(std::string_view)>& line);

}  // namespace halfcell::conform
