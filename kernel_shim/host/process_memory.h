#pragma once

// The memory of another process, as that process sees it.

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel_shim/base/result.h"

namespace halfcell::host {

// Copies all of `to` or `from`. The caller sees to it that `process` has not been reaped: the number could be
// another's. EFAULT at a byte that is not mapped, or not writable; bytes before it may have been copied.
// ESRCH when the process has ended, EPERM where a guard of the host forbids it.
Result<void> read_process(pid_t process, std::uint64_t address, std::span<std::byte> to);
Result<void> write_process(pid_t process, std::uint64_t address, std::span<const std::byte> from);

}  // namespace halfcell::host
