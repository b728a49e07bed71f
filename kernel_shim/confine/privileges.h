#pragma once

// What a process gives up about itself: rights it might gain or has, and pictures of its memory.

#include "kernel_shim/base/result.h"

namespace halfcell::confine {

enum class CoreDumps { kNever, kAllowed };

// No program this process might execute gains rights by it, and it uses none of root's. What stays permitted
// is CAP_SYS_RAWIO, unused: guests have it, to map the pages below vm.mmap_min_addr, and Linux lets nobody
// who could not have it look into their memory. The filter of calls keeps it from being taken up again. Where
// core dumps are not allowed, neither Linux nor another process of the user reads this process's memory. The
// calling thread's capabilities alone: call it while there is one. The host's errors. Does not block.
Result<void> give_up_privileges(CoreDumps dumps);

}  // namespace halfcell::confine
