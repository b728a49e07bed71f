#pragma once

// Anonymous guest memory: slices of one nameless file. The supervisor maps the front of that file once, so a
// guest buffer is a pointer for it; slices too large for that window lie behind it and are read and written
// through the file.

#include <cstdint>
#include <memory>

#include "kernel_shim/machine/memory_object.h"

namespace halfcell::host {

struct PoolOptions {
    // What all slices together may hold, in bytes.
    std::uint64_t limit = UINT64_MAX;
    // The supervisor's window; halved until the host grants it. Address space, not memory.
    std::uint64_t window = std::uint64_t{1} << 40;
    // Slices above this size lie outside the window.
    std::uint64_t largest_direct = std::uint64_t{1} << 34;
};

// A slice that goes away leaves its bytes in a small cache (they are cleared before their next use) or gives
// them back to the host at once. Slices may outlive the Pool object.
// ENOMEM when not even a small window can be mapped; EMFILE, ENFILE.
Result<std::unique_ptr<machine::Pool>> create_memory_pool(const PoolOptions& options);

}  // namespace halfcell::host
