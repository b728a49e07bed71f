#pragma once

// Address-keyed waits. Source: kernel:src/syscall/futex.rs.

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/mem/address_space.h"
#include "kernel_shim/wait/waiter.h"

namespace halfcell::task {

class FutexTable {
  public:
    // FUTEX_WAIT and WAIT64: sleeps while the word at `address` (4 or 8 bytes, `width`) equals `expected`.
    // EFAULT when nothing is mapped there; EINVAL unaligned; EAGAIN when the value differs; EINTR when a
    // signal is pending before; ETIMEDOUT. Woken by an interruption it returns 0, as upstream. Blocks.
    Result<std::uint64_t> wait(mem::AddressSpace& space, std::uint64_t address, std::uint64_t expected,
                               unsigned width, wait::Waiter& waiter, wait::Deadline deadline);
    // FUTEX_WAKE: wakes up to `count` waiters of the address and returns how many left the list. The order is
    // upstream's: first, then last, then second to last… EFAULT when nothing is mapped there.
    Result<std::uint64_t> wake(mem::AddressSpace& space, std::uint64_t address, std::uint64_t count);

    // For sys:stat.
    [[nodiscard]] std::uint64_t waiter_count() const;
    [[nodiscard]] std::uint64_t address_count() const;
};

}  // namespace halfcell::task
