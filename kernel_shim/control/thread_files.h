#pragma once

// What the thread that reads the control socket has at hand.

#include "kernel_shim/base/result.h"

namespace halfcell::control {

// The descriptors of the thread, by their numbers in the process's table; it keeps the numbers.
struct ThreadFiles {
    int listener;
    int poller;
    int wake;
};

// Takes all other descriptors from the calling thread, for good, and the signals: it gets a table of its own
// with these three, so that whatever it is talked into, the files of the run and of its guests are out of its
// reach. Under a sanitizer it keeps standard error as well, to say what was found. Errors of unshare and
// close_range. Does not block.
Result<void> keep_only(const ThreadFiles& files);

}  // namespace halfcell::control
