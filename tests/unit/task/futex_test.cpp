#include "kernel_shim/task/futex.h"

#include <doctest/doctest.h>

#include <atomic>
#include <deque>
#include <thread>

#include "tests/support/fake_machine.h"

using namespace halfcell;

namespace {

constexpr std::uint64_t kBase = 0x10000;
constexpr std::uint64_t kSize = 0x8000;
constexpr unsigned kWord = 4;
constexpr unsigned kLong = 8;

// A thread of the guest that waits.
struct Sleeper {
    wait::Waiter waiter;
    std::atomic<bool> done{false};
    Result<std::uint64_t> result = 0;
    std::thread thread;

    void join() { thread.join(); }
};

struct Fixture {
    Fixture() {
        REQUIRE(space->map({.address = kBase,
                            .size = kSize,
                            .placement = mem::Placement::kFixed,
                            .protection = {.write = true}},
                           {}));
    }
    ~Fixture() {
        for (Sleeper& sleeper : sleepers)
            if (sleeper.thread.joinable()) sleeper.join();
    }

    void store(std::uint64_t address, std::uint32_t value) {
        REQUIRE(space->write(address, std::as_bytes(std::span(&value, 1))));
    }
    // Starts a wait and returns once it sleeps.
    Sleeper& sleep(std::uint64_t address = kBase, wait::Deadline deadline = {}) {
        Sleeper& sleeper = sleepers.emplace_back();
        sleeper.thread = std::thread([&, address, deadline] {
            sleeper.result = futexes.wait(*space, address, 0, kWord, sleeper.waiter, deadline);
            sleeper.done = true;
        });
        until_listed();
        return sleeper;
    }
    Result<std::uint64_t> wait_now(std::uint64_t address, std::uint64_t expected, unsigned width = kWord,
                                   wait::Deadline deadline = std::chrono::steady_clock::now()) {
        return futexes.wait(*space, address, expected, width, own, deadline);
    }
    Result<std::uint64_t> wake(std::uint64_t count, std::uint64_t address = kBase) {
        return futexes.wake(*space, address, count);
    }
    void until_listed() {
        while (futexes.waiter_count() < sleepers.size() + extra)
            std::this_thread::yield();
    }

    test::FakePool pool;
    test::FakeMachineFactory machines;
    std::shared_ptr<mem::AddressSpace> space = mem::AddressSpace::create(pool, machines);
    task::FutexTable futexes;
    wait::Waiter own;
    std::deque<Sleeper> sleepers;
    std::uint64_t extra = 0;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "errors come in the recorded order") {
    CHECK(wait_now(0x5550000000, 0).error() == Errno::kEFAULT);
    CHECK(futexes.wake(*space, 0x5550000000, 1).error() == Errno::kEFAULT);
    CHECK(wait_now(kBase + 1, 0).error() == Errno::kEINVAL);
    CHECK(wait_now(kBase + 4, 0, kLong).error() == Errno::kEINVAL);
    CHECK(wait_now(kBase, 1).error() == Errno::kEAGAIN);
    own.set_interruption_check([] { return true; });
    CHECK(wait_now(kBase, 1).error() == Errno::kEAGAIN);
    CHECK(wait_now(kBase, 0).error() == Errno::kEINTR);
}

TEST_CASE_FIXTURE(Fixture, "a past deadline times out at once") {
    CHECK(wait_now(kBase, 0).error() == Errno::kETIMEDOUT);
}

TEST_CASE_FIXTURE(Fixture, "waiting for 64 bits compares all of them") {
    store(kBase + 4, 1);
    CHECK(wait_now(kBase, 0, kLong).error() == Errno::kEAGAIN);
    CHECK(wait_now(kBase, std::uint64_t{1} << 32, kLong).error() == Errno::kETIMEDOUT);
}

TEST_CASE_FIXTURE(Fixture, "a wake needs no alignment and finds nobody") {
    CHECK(*wake(1) == 0);
    CHECK(*wake(1, kBase + 1) == 0);
    CHECK(*wake(0) == 0);
}

TEST_CASE_FIXTURE(Fixture, "wakes take the first, then the last, then the one before") {
    for (int i = 0; i < 5; ++i)
        sleep();
    CHECK(*wake(2) == 2);
    sleepers[0].join();
    sleepers[4].join();
    CHECK(*sleepers[0].result == 0);
    CHECK_FALSE(sleepers[1].done);
    CHECK_FALSE(sleepers[2].done);
    CHECK_FALSE(sleepers[3].done);
    CHECK(*wake(0) == 0);
    CHECK(*wake(1) == 1);
    sleepers[3].join();
    CHECK(*wake(UINT64_MAX) == 2);
    sleepers[1].join();
    sleepers[2].join();
    CHECK(futexes.address_count() == 0);
}

TEST_CASE_FIXTURE(Fixture, "waits that timed out are counted by the next wake, once") {
    for (int i = 0; i < 3; ++i)
        CHECK(wait_now(kBase, 0).error() == Errno::kETIMEDOUT);
    CHECK(futexes.waiter_count() == 3);
    CHECK(*wake(2) == 2);
    CHECK(*wake(100) == 1);
    CHECK(*wake(100) == 0);
    CHECK(futexes.address_count() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a wait that timed out takes no wake-up from one that sleeps") {
    CHECK_FALSE(wait_now(kBase, 0));
    extra = 1;
    Sleeper& sleeper = sleep();
    CHECK(*wake(1) == 1);
    sleeper.join();
    CHECK(*sleeper.result == 0);
    CHECK(*wake(1) == 1);
}

TEST_CASE_FIXTURE(Fixture, "an interruption ends the wait with 0 and is counted like a timeout") {
    Sleeper& sleeper = sleep();
    while (!sleeper.waiter.interrupt())
        std::this_thread::yield();
    sleeper.join();
    CHECK(*sleeper.result == 0);
    CHECK(*wake(10) == 1);
}

TEST_CASE_FIXTURE(Fixture, "a kill ends the wait") {
    Sleeper& sleeper = sleep();
    sleeper.waiter.kill();
    sleeper.join();
    CHECK(sleeper.result.error() == Errno::kEINTR);
    CHECK(futexes.waiter_count() == 0);
}

TEST_CASE_FIXTURE(Fixture, "other addresses and other spaces are not woken") {
    Sleeper& sleeper = sleep();
    CHECK(*wake(1, kBase + 4) == 0);
    const auto other = mem::AddressSpace::create(pool, machines);
    REQUIRE(other->map({.address = kBase, .size = kSize, .placement = mem::Placement::kFixed}, {}));
    CHECK(*futexes.wake(*other, kBase, 1) == 0);
    CHECK_FALSE(sleeper.done);
    CHECK(*wake(1) == 1);
}

TEST_CASE_FIXTURE(Fixture, "abandoned waits on many addresses are forgotten in the end") {
    constexpr std::uint64_t kMostRemembered = 16 * 258;
    static_assert(kSize / 4 > kMostRemembered);
    for (std::uint64_t offset = 0; offset < kSize; offset += 4)
        REQUIRE_FALSE(wait_now(kBase + offset, 0));
    CHECK(futexes.address_count() <= kMostRemembered);
    Sleeper& sleeper = sleepers.emplace_back();
    sleeper.thread = std::thread([&] {
        sleeper.result = futexes.wait(*space, kBase, 0, kWord, sleeper.waiter, {});
        sleeper.done = true;
    });
    // The only live wait among thousands is still found.
    while (!sleeper.done)
        (void)wake(1);
}

TEST_CASE_FIXTURE(Fixture, "no wake-up is lost between threads that change the word and wake") {
    constexpr std::uint32_t kRounds = 2000;
    wait::Waiter waiter;
    std::thread follower([&] {
        for (std::uint32_t turn = 0; turn < kRounds; ++turn) {
            // Even words are ours to wait for.
            while (futexes.wait(*space, kBase, 2 * turn, kWord, waiter, {}))
                continue;
            store(kBase, 2 * turn + 2);
            (void)wake(1);
        }
    });
    for (std::uint32_t turn = 0; turn < kRounds; ++turn) {
        store(kBase, 2 * turn + 1);
        (void)wake(1);
        while (futexes.wait(*space, kBase, 2 * turn + 1, kWord, own, {}))
            continue;
    }
    follower.join();
    CHECK(futexes.waiter_count() == 0);
}
