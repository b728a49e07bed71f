#pragma once

// What a run may still do to the host once it is set up. Two steps: what must come before the first thread
// and the first guest process, and what is only possible when everything is there.

#include <string>

#include "kernel_shim/base/result.h"
#include "kernel_shim/supervisor/options.h"
#include "kernel_shim/supervisor/run_control.h"

namespace halfcell::supervisor {

// Gives up privileges, core dumps and every file but those of the options (and /proc, to read). Says on
// standard error what `--unconfined` means where it was given. Where the host has no Landlock, the files stay
// in reach; `halfcell check` says so. The error is one line for the user. Call it while there is one thread.
Expected<void, std::string> confine_process(const WorldOptions& options);

// From now on every thread makes the calls the run needs and no others, and the interrupter's and the control
// socket's (null where there is none) still fewer. Call it before a guest runs.
Expected<void, std::string> confine_calls(const WorldOptions& options, RunControl* control);

}  // namespace halfcell::supervisor
