#include "kernel_shim/task/clock.h"

#include <doctest/doctest.h>

#include "abi/flags.h"

using namespace halfcell;
using task::Clock;

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kMonotonic = abi::Clock::kMonotonic;
constexpr std::uint64_t kRealtime = abi::Clock::kRealtime;

std::chrono::steady_clock::time_point now() {
    return std::chrono::steady_clock::now();
}

}  // namespace

TEST_CASE("monotonic time starts near zero and never steps back") {
    const Clock clock;
    std::uint64_t last = clock.monotonic();
    CHECK(last < kSecond);
    for (int i = 0; i < 10000; ++i) {
        const std::uint64_t time = clock.monotonic();
        REQUIRE(time >= last);
        last = time;
    }
}

TEST_CASE("only the two clocks of Redox can be read") {
    const Clock clock;
    for (std::uint64_t id = 0; id < 8; ++id) {
        CAPTURE(id);
        CHECK(clock.read(id).has_value() == (id == kRealtime || id == kMonotonic));
    }
    CHECK(clock.read(std::uint64_t{1} << 32 | kMonotonic).error() == Errno::kEINVAL);
}

TEST_CASE("real time is the host's until a base is set") {
    Clock clock;
    const auto host = std::chrono::system_clock::now().time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(host).count();
    CHECK(clock.realtime() / kSecond - static_cast<std::uint64_t>(seconds) <= 1);
    clock.set_realtime_base(5 * kSecond);
    const std::uint64_t real = clock.realtime();
    CHECK(real >= 5 * kSecond);
    CHECK(real - 5 * kSecond <= clock.monotonic());
}

TEST_CASE("deadlines are absolute and counted from the start of the run") {
    const Clock clock;
    CHECK(*clock.deadline(kMonotonic, {0, 0}) <= now());
    CHECK(*clock.deadline(kMonotonic, {3600, 0}) > now());
    // More than a second's nanoseconds and negative ones are simply added up.
    CHECK(*clock.deadline(kMonotonic, {0, 2'000'000'000}) - *clock.deadline(kMonotonic, {1, 0}) ==
          std::chrono::seconds(1));
    CHECK(*clock.deadline(kMonotonic, {2, -5}) - *clock.deadline(kMonotonic, {1, 0}) ==
          std::chrono::nanoseconds(kSecond - 5));
}

TEST_CASE("negative and unreachable deadlines never come") {
    const Clock clock;
    CHECK_FALSE(clock.deadline(kMonotonic, {-5, 0}));
    CHECK_FALSE(clock.deadline(kMonotonic, {0, -5}));
    CHECK_FALSE(clock.deadline(kMonotonic, {INT64_MAX, 0}));
    CHECK_FALSE(clock.deadline(kMonotonic, {INT64_MIN, 0}));
    CHECK_FALSE(clock.deadline(kMonotonic, {INT64_MAX / 1'000'000'000, 0}));
    CHECK_FALSE(Clock::after(UINT64_MAX));
    CHECK_FALSE(Clock::after(INT64_MAX));
}

TEST_CASE("a deadline in real time follows the base") {
    Clock clock;
    clock.set_realtime_base(1000 * kSecond);
    CHECK(*clock.deadline(kRealtime, {999, 0}) < now());
    const auto in_an_hour = *clock.deadline(kRealtime, {4600, 0}) - now();
    CHECK(in_an_hour > std::chrono::seconds(3590));
    CHECK(in_an_hour <= std::chrono::seconds(3600));
}

TEST_CASE("nanoseconds become seconds and a rest") {
    const abi::TimeSpec time = Clock::to_time_spec(3 * kSecond + 17);
    CHECK(time.tv_sec == 3);
    CHECK(time.tv_nsec == 17);
}
