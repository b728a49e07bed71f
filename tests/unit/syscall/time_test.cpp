#include <thread>

#include "tests/unit/syscall/syscall_fixture.h"

using namespace halfcell;
using namespace halfcell::abi;
using test::SyscallFixture;

namespace {

struct Fixture : SyscallFixture {
    std::uint64_t put_time(std::int64_t seconds, std::int32_t nanoseconds, std::uint64_t offset = 0) {
        return put_value(abi::TimeSpec{seconds, nanoseconds}, offset);
    }
    static constexpr std::uint64_t kRemaining = kMemory + 0x100;

    // Runs `use` on the context's worker while this thread may disturb it.
    template <typename Use>
    std::thread worker(Use use) {
        return std::thread([use, this] { use(); });
    }
    void interrupt_when_waiting() {
        while (context->waiter().reason() == nullptr || !context->waiter().interrupt())
            std::this_thread::yield();
    }
};

}  // namespace

// Recording p4, "clocks".
TEST_CASE_FIXTURE(Fixture, "two clocks can be read, and the padding of the time is zero") {
    for (std::uint64_t clock = 0; clock < 8; ++clock) {
        put(std::string(16, '\xaa'));
        const auto result = call(SYS_CLOCK_GETTIME, clock, kMemory);
        CAPTURE(clock);
        CHECK(result.has_value() == (clock == 1 || clock == 4));
        if (result) CHECK(value_at<std::uint32_t>(kMemory + 12) == 0);
    }
    CHECK_ERRNO(call(SYS_CLOCK_GETTIME, 4, 0), kEFAULT);
    CHECK_ERRNO(call(SYS_CLOCK_GETTIME, 4, kReadOnly), kEFAULT);
    CHECK_ERRNO(call(SYS_CLOCK_GETTIME, std::uint64_t{1} << 32 | 4, kMemory), kEINVAL);
}

// Recording p4, "nanosleep".
TEST_CASE_FIXTURE(Fixture, "NANOSLEEP checks both ranges, then the time") {
    CHECK_ERRNO(call(SYS_NANOSLEEP, put_time(-1, 0), 0), kEINVAL);
    CHECK_ERRNO(call(SYS_NANOSLEEP, put_time(0, 1000000000), 0), kEINVAL);
    CHECK_ERRNO(call(SYS_NANOSLEEP, put_time(0, -1), 0), kEINVAL);
    CHECK_ERRNO(call(SYS_NANOSLEEP, kEnd, 0), kEFAULT);
    CHECK_ERRNO(call(SYS_NANOSLEEP, kMemory, kEnd), kEFAULT);
    CHECK_ERRNO(call(SYS_NANOSLEEP, 0, 0), kEFAULT);
    CHECK_ERRNO(call(SYS_NANOSLEEP, put_time(0, 0), 8), kEFAULT);
    CHECK_VALUE(call(SYS_NANOSLEEP, put_time(0, 0), 0), 0);
}

TEST_CASE_FIXTURE(Fixture, "NANOSLEEP sleeps, and says that nothing remains") {
    put(std::string(16, 'U'), 0x100);
    const std::uint64_t before = kernel.clock.monotonic();
    CHECK_VALUE(call(SYS_NANOSLEEP, put_time(0, 2000000), kRemaining), 0);
    CHECK(kernel.clock.monotonic() - before >= 2000000);
    CHECK(text_at(kRemaining, 16) == std::string(16, '\0'));
}

TEST_CASE_FIXTURE(Fixture, "an interrupted NANOSLEEP says what remains") {
    Result<std::uint64_t> result = 0;
    put_time(3600, 0);
    std::thread sleeper = worker([&] { result = call(SYS_NANOSLEEP, kMemory, kRemaining); });
    interrupt_when_waiting();
    sleeper.join();
    CHECK_ERRNO(result, kEINTR);
    const auto remaining = value_at<abi::TimeSpec>(kRemaining);
    CHECK(remaining.tv_sec >= 3500);
    CHECK(remaining.tv_sec < 3600);
}

TEST_CASE_FIXTURE(Fixture, "a NANOSLEEP of longer than time itself can be interrupted") {
    Result<std::uint64_t> result = 0;
    put_time(INT64_MAX, 999999999);
    std::thread sleeper = worker([&] { result = call(SYS_NANOSLEEP, kMemory, 0); });
    interrupt_when_waiting();
    sleeper.join();
    CHECK_ERRNO(result, kEINTR);
}

TEST_CASE_FIXTURE(Fixture, "a pending signal ends NANOSLEEP before it sleeps, and nothing is written") {
    context->waiter().set_interruption_check([] { return true; });
    put(std::string(16, 'U'), 0x100);
    CHECK_ERRNO(call(SYS_NANOSLEEP, put_time(3600, 0), kRemaining), kEINTR);
    CHECK(text_at(kRemaining, 16) == std::string(16, 'U'));
    CHECK_ERRNO(call(SYS_NANOSLEEP, put_time(-1, 0), kRemaining), kEINVAL);
}

// Recording p4, "futex args".
TEST_CASE_FIXTURE(Fixture, "FUTEX checks the address, then the operation, then the deadline, then the word") {
    const std::uint64_t word = kMemory + 0x200;
    const auto futex = [&](std::uint64_t address, std::uint64_t op, std::uint64_t value,
                           std::uint64_t deadline) {
        return call(SYS_FUTEX, address, op, value, deadline, 0);
    };
    CHECK_ERRNO(futex(word, 0, 1, 0), kEAGAIN);
    CHECK_ERRNO(futex(word + 1, 0, 0, 0), kEINVAL);
    CHECK_ERRNO(futex(word + 2, 0, 1, 0), kEINVAL);
    CHECK_VALUE(futex(word + 1, 1, 1, 0), 0);
    CHECK_ERRNO(futex(word, 2, 0, 0), kEINVAL);
    CHECK_ERRNO(futex(word, 7, 0, 0), kEINVAL);
    CHECK_ERRNO(futex(word, 128, 0, 0), kEINVAL);
    CHECK_VALUE(futex(word, 1, 1, 0), 0);
    CHECK_ERRNO(futex(kEnd - 8, 0, 0, 0), kEFAULT);
    CHECK_ERRNO(futex(kEnd - 8, 1, 0, 0), kEFAULT);
    CHECK_ERRNO(futex(0x5550000000, 1, 0, 0), kEFAULT);
    CHECK_ERRNO(futex(0x5550000000, 7, 0, 0), kEFAULT);
    CHECK_ERRNO(futex(UINT64_MAX, 1, 0, 0), kEFAULT);
    CHECK_ERRNO(futex(word, 0, 1, kEnd), kEFAULT);
    CHECK_ERRNO(futex(word + 1, 0, 1, kEnd), kEFAULT);
    CHECK_ERRNO(futex(word, 0, 1, kUnmapped), kEFAULT);
    CHECK_ERRNO(futex(word, 0, 0x100000001, 0), kEAGAIN);
    put_value(std::uint32_t{5}, 0x208);
    CHECK_ERRNO(futex(word + 8, 0, 0x900000006, 0), kEAGAIN);
    CHECK_ERRNO(futex(word, 3, 1, 0), kEAGAIN);
    CHECK_ERRNO(futex(word + 4, 3, 0, 0), kEINVAL);
}

TEST_CASE_FIXTURE(Fixture, "the last words below the end can be waited for") {
    constexpr std::uint64_t kTop = kEnd - machine::kPageSize;
    REQUIRE(
        space->map({.address = kTop, .size = machine::kPageSize, .placement = mem::Placement::kFixed}, {}));
    CHECK_VALUE(call(SYS_FUTEX, kEnd - 12, 1, 0, 0, 0), 0);
    CHECK_VALUE(call(SYS_FUTEX, kEnd - 9, 1, 0, 0, 0), 0);
    CHECK_ERRNO(call(SYS_FUTEX, kEnd - 12, 0, 1, 0, 0), kEAGAIN);
}

TEST_CASE_FIXTURE(Fixture,
                  "FUTEX deadlines are absolute; past ones time out, and all such waits are counted") {
    const std::uint64_t word = kMemory + 0x200;
    CHECK_ERRNO(call(SYS_FUTEX, word, 0, 0, put_time(0, 0), 0), kETIMEDOUT);
    CHECK_ERRNO(call(SYS_FUTEX, word, 0, 0, put_time(0, 1), 0), kETIMEDOUT);
    CHECK_ERRNO(call(SYS_FUTEX, word, 3, 0, put_time(0, 0), 0), kETIMEDOUT);
    CHECK_VALUE(call(SYS_FUTEX, word, 1, 100, 0, 0), 3);
    CHECK_VALUE(call(SYS_FUTEX, word, 1, 100, 0, 0), 0);
}

TEST_CASE_FIXTURE(Fixture, "a negative FUTEX deadline never comes") {
    Result<std::uint64_t> result = fail(Errno::kEIO);
    put_time(-5, 0);
    std::thread sleeper = worker([&] { result = call(SYS_FUTEX, kMemory + 0x200, 0, 0, kMemory, 0); });
    interrupt_when_waiting();
    sleeper.join();
    CHECK_VALUE(result, 0);
}

TEST_CASE_FIXTURE(Fixture, "a wait that was woken leaves no deadline behind") {
    Result<std::uint64_t> result = fail(Errno::kEIO);
    const abi::TimeSpec soon = task::Clock::to_time_spec(kernel.clock.monotonic() + 3600'000'000'000);
    put_value(soon);
    std::thread sleeper = worker([&] { result = call(SYS_FUTEX, kMemory + 0x200, 0, 0, kMemory, 0); });
    while (*kernel.futexes.wake(*space, kMemory + 0x200, 1) == 0)
        std::this_thread::yield();
    sleeper.join();
    CHECK_VALUE(result, 0);
    CHECK(context->waiter().reason() == nullptr);
}
