#pragma once

// The two clocks a guest knows. Source: kernel:src/time.rs, kernel:src/syscall/time.rs.

#include <atomic>
#include <chrono>
#include <cstdint>

#include "abi/data.h"
#include "kernel_shim/base/result.h"
#include "kernel_shim/wait/waiter.h"

namespace halfcell::task {

// Monotonic time counts from the start of the run, as Redox's counts from boot; it never steps back
// (upstream's does by up to a tick). Real time is the host's until a guest sets an offset.
class Clock {
  public:
    Clock();

    // Nanoseconds since the run began / since the epoch. Any thread.
    [[nodiscard]] std::uint64_t monotonic() const;
    [[nodiscard]] std::uint64_t realtime() const;

    // The clock a guest names (abi::Clock); EINVAL for any other id.
    [[nodiscard]] Result<std::uint64_t> read(std::uint64_t clock_id) const;

    // sys:update_time_offset: nanoseconds between the epoch and the start of the run.
    void set_realtime_base(std::uint64_t nanoseconds) { realtime_base_.store(nanoseconds); }

    // Where a guest's absolute time lies for a Waiter. A time before the start (negative seconds wrap, as
    // upstream) or too far away to express never comes: nullopt.
    [[nodiscard]] wait::Deadline deadline(std::uint64_t clock_id, const abi::TimeSpec& time) const;
    // `nanoseconds` from now.
    [[nodiscard]] static wait::Deadline after(std::uint64_t nanoseconds);

    static abi::TimeSpec to_time_spec(std::uint64_t nanoseconds);

  private:
    // No base was set.
    static constexpr std::uint64_t kHostTime = UINT64_MAX;

    const std::chrono::steady_clock::time_point start_;
    std::atomic<std::uint64_t> realtime_base_;
};

}  // namespace halfcell::task
