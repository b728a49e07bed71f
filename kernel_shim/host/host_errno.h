#pragma once

// Linux errno -> the error a guest gets. The only place where the two error worlds meet.

#include "kernel_shim/base/result.h"

namespace halfcell::host {

// `host_error` is a positive Linux errno value. Every code Linux defines has its row; an unknown one is EIO.
// Never blocks, never fails.
[[nodiscard]] Errno translate_errno(int host_error);

// The same for the errno of the host call that has just failed.
[[nodiscard]] Errno last_error();

}  // namespace halfcell::host
