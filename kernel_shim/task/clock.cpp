#include "kernel_shim/task/clock.h"

#include "abi/flags.h"

namespace halfcell::task {

namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

std::uint64_t host_realtime() {
    const auto since_epoch = std::chrono::duration_cast<nanoseconds>(system_clock::now().time_since_epoch());
    return static_cast<std::uint64_t>(since_epoch.count());
}

// `point` + `distance`, or nullopt where that is past the end of time.
wait::Deadline later(steady_clock::time_point point, std::int64_t distance) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(point.time_since_epoch().count(), distance, &sum)) return std::nullopt;
    return steady_clock::time_point(nanoseconds(sum));
}

}  // namespace

Clock::Clock() : start_(steady_clock::now()), realtime_base_(kHostTime) {}

std::uint64_t Clock::monotonic() const {
    return static_cast<std::uint64_t>(nanoseconds(steady_clock::now() - start_).count());
}

std::uint64_t Clock::realtime() const {
    const std::uint64_t base = realtime_base_.load(std::memory_order_relaxed);
    return base == kHostTime ? host_realtime() : base + monotonic();
}

Result<std::uint64_t> Clock::read(std::uint64_t clock_id) const {
    switch (clock_id) {
        case abi::Clock::kRealtime:
            return realtime();
        case abi::Clock::kMonotonic:
            return monotonic();
        default:
            return fail(Errno::kEINVAL);
    }
}

wait::Deadline Clock::deadline(std::uint64_t clock_id, const abi::TimeSpec& time) const {
    std::int64_t total = 0;
    if (__builtin_mul_overflow(time.tv_sec, kNanosecondsPerSecond, &total)) return std::nullopt;
    if (__builtin_add_overflow(total, time.tv_nsec, &total) || total < 0) return std::nullopt;
    if (clock_id == abi::Clock::kRealtime) {
        // Both clocks are read now; a host clock set later moves no deadline.
        const auto start = static_cast<std::int64_t>(realtime() - monotonic());
        if (__builtin_sub_overflow(total, start, &total)) return std::nullopt;
    }
    return later(start_, total);
}

wait::Deadline Clock::after(std::uint64_t nanoseconds_from_now) {
    if (nanoseconds_from_now > INT64_MAX) return std::nullopt;
    return later(steady_clock::now(), static_cast<std::int64_t>(nanoseconds_from_now));
}

abi::TimeSpec Clock::to_time_spec(std::uint64_t time) {
    return {.tv_sec = static_cast<std::int64_t>(time / kNanosecondsPerSecond),
            .tv_nsec = static_cast<std::int32_t>(time % kNanosecondsPerSecond)};
}

}  // namespace halfcell::task
