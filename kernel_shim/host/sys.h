#pragma once

// Host calls as Results: retried on EINTR, errno translated, transfers complete. Nothing here knows Redox.

#include <sys/types.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "kernel_shim/base/result.h"
#include "kernel_shim/host/unique_fd.h"

namespace halfcell::host {

// Calls `call` until it does something else than fail with EINTR; its own return value, errno as it left it.
template <typename Call>
auto retry_interrupted(Call call) {
    for (;;) {
        const auto result = call();
        if (result != -1 || errno != EINTR) return result;
    }
}

// A sealed-on-demand file without a name. `size` in bytes; nothing is allocated until it is written.
// The name shows in /proc/PID/maps only. EMFILE, ENFILE, ENOMEM, EINVAL (size beyond the host's limit).
Result<UniqueFd> create_memory_file(const char* name, std::uint64_t size);

// Forbids every further change of a memory file: content and size. EBUSY while a writable mapping exists.
Result<void> seal_memory_file(int file);

// Gives the pages of [offset, offset + size) back; they read as zero afterwards. Blocks for the host's work.
Result<void> punch_hole(int file, std::uint64_t offset, std::uint64_t size);

// An eventfd counter starting at 0, close-on-exec, blocking or not.
enum class Blocking { kYes, kNo };
Result<UniqueFd> create_event(Blocking blocking);
// Adds `value`; the counter wakes its readers. Does not block below 2^64 - 2.
Result<void> signal_event(int event, std::uint64_t value);
// Takes the whole counter. Blocks while it is 0 when the eventfd blocks, else EAGAIN.
Result<std::uint64_t> take_event(int event);

// pread/pwrite of the whole span. A short file gives EIO.
Result<void> read_fully_at(int file, std::span<std::byte> to, std::uint64_t offset);
Result<void> write_fully_at(int file, std::span<const std::byte> from, std::uint64_t offset);

// Waits until `file` shows one of `events` (poll's bits), or the time is over; nullopt waits for ever.
// Returns the bits seen, 0 on time-out.
Result<short> poll_one(int file, short events, std::optional<std::chrono::milliseconds> timeout);

// Wakes one waiter of a futex that other processes share. Never blocks.
void wake_shared_futex(std::uint32_t* word);

// Monotonic time in nanoseconds, as CLOCK_MONOTONIC counts it.
std::uint64_t monotonic_nanoseconds();

// Whether the running kernel calls itself `major.minor` or newer. For what cannot be probed without waiting;
// a distribution's backports go unnoticed. False when the release cannot be read.
[[nodiscard]] bool kernel_at_least(int major, int minor);

// Raises the soft limit of descriptors as far as the hard one allows: every guest thread takes one.
void raise_descriptor_limit();

// Makes room for `count` descriptors in this process's table, as far as the limit allows. Linux enlarges a
// table that several processes share only after a grace period of its own, milliseconds that nobody should
// wait later.
void reserve_descriptor_table(int count);

// Opens /dev/null in the places of stdin, stdout and stderr that are closed, so that no later descriptor of
// ours is mistaken for one of them.
Result<void> occupy_standard_descriptors();

// Makes the process neutral towards files that guests write: no umask of its own, since modes come from
// guests who apply theirs, and a write past the host's file size limit is EFBIG instead of a deadly signal.
void serve_files_of_others();

}  // namespace halfcell::host
