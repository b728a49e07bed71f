#pragma once

// From what a scheme's openat or dup answered to a description.

#include <cstdint>

#include "kernel_shim/base/result.h"
#include "kernel_shim/scheme/scheme.h"

namespace halfcell::scheme {

// The description for `result`, which the scheme of `base` has just returned: an existing one as it is, a new
// handle with offset 0 and `flags` (O_CLOEXEC is dropped: it belongs to the descriptor).
// ENODEV where the scheme has meanwhile gone. Source: kernel:src/syscall/fs.rs openat, duplicate_file.
Result<DescriptionRef> describe_opened(const FileDescription& base, OpenResult result, std::uint64_t flags);

}  // namespace halfcell::scheme
