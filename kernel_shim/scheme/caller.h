#pragma once

// Who is asking, as schemes see it. Source: kernel:src/scheme/mod.rs CallerCtx.

#include <cstdint>

#include "kernel_shim/base/ids.h"
#include "kernel_shim/wait/waiter.h"

namespace halfcell::scheme {

struct Caller {
    ContextId context;
    std::uint32_t pid = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    wait::Waiter& waiter;  // what blocking operations sleep on
};

}  // namespace halfcell::scheme
