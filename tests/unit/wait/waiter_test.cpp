#include "kernel_shim/wait/waiter.h"

#include <doctest/doctest.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

using namespace halfcell;
using std::chrono::steady_clock;
using wait::Waiter;
using wait::Wake;

namespace {

// Sleeps in a thread of its own, and can be looked at.
struct Sleeper {
    template <typename Sleep>
    explicit Sleeper(Sleep sleep)
        : thread([this, sleep] {
              waiter.prepare({.reason = "test"});
              how = sleep(waiter);
              ended = true;
          }) {
        while (waiter.reason() == nullptr && !ended)
            std::this_thread::yield();
    }
    ~Sleeper() {
        if (thread.joinable()) thread.join();
    }
    Wake end() {
        thread.join();
        return how;
    }
    // Long enough for a sleep that is over to show.
    [[nodiscard]] bool still_sleeps() const {
        const auto until = steady_clock::now() + std::chrono::milliseconds(20);
        while (!ended && steady_clock::now() < until)
            std::this_thread::yield();
        return !ended;
    }

    Waiter waiter;
    std::atomic<bool> ended{false};
    Wake how = Wake::kTimedOut;
    std::thread thread;
};

Wake sleep_for_ever(Waiter& waiter) {
    return waiter.sleep({});
}

}  // namespace

TEST_CASE("whoever is stopped wakes when it goes on, with what woke it first") {
    Sleeper sleeper(sleep_for_ever);
    sleeper.waiter.hold();
    sleeper.waiter.notify();
    CHECK(sleeper.still_sleeps());
    sleeper.waiter.interrupt();
    sleeper.waiter.release();
    CHECK(sleeper.end() == Wake::kNotified);
}

TEST_CASE("an interruption while stopped") {
    Sleeper sleeper(sleep_for_ever);
    sleeper.waiter.hold();
    sleeper.waiter.interrupt();
    CHECK(sleeper.still_sleeps());
    sleeper.waiter.release();
    CHECK(sleeper.end() == Wake::kInterrupted);
}

TEST_CASE("a stop that ends before anything happens changes nothing") {
    Sleeper sleeper(sleep_for_ever);
    sleeper.waiter.hold();
    sleeper.waiter.release();
    CHECK(sleeper.still_sleeps());
    sleeper.waiter.notify();
    CHECK(sleeper.end() == Wake::kNotified);
}

TEST_CASE("a deadline passes while stopped, and counts when going on") {
    Sleeper sleeper(
        [](Waiter& waiter) { return waiter.sleep(steady_clock::now() + std::chrono::milliseconds(5)); });
    sleeper.waiter.hold();
    CHECK((sleeper.ended || sleeper.still_sleeps()));
    sleeper.waiter.release();
    CHECK(sleeper.end() == Wake::kTimedOut);
}

TEST_CASE("a kill ends a sleep, stopped or not") {
    Sleeper sleeper(sleep_for_ever);
    sleeper.waiter.hold();
    sleeper.waiter.notify();
    sleeper.waiter.kill();
    CHECK(sleeper.end() == Wake::kKilled);
}

TEST_CASE("a stopped reader leaves a ready file alone") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    {
        Sleeper sleeper([file = ends[0]](Waiter& waiter) { return waiter.sleep_on_file(file, POLLIN, {}); });
        sleeper.waiter.hold();
        REQUIRE(::write(ends[1], "x", 1) == 1);
        CHECK(sleeper.still_sleeps());
        sleeper.waiter.release();
        CHECK(sleeper.end() == Wake::kNotified);
    }
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_CASE("a watch leaves the wait prepared, whatever the other process does") {
    std::atomic<std::uint32_t> shared{5};
    Waiter waiter;
    waiter.prepare({.reason = "test"});
    CHECK(waiter.watch(shared, 4) == wait::Watched::kChanged);
    // Rung until it is heard: nobody can see from here when the watcher sleeps.
    std::atomic<bool> heard{false};
    std::thread ringer([&] {
        while (!heard) {
            syscall(SYS_futex, &shared, FUTEX_WAKE, 1, nullptr, nullptr, 0);
            std::this_thread::yield();
        }
    });
    CHECK(waiter.watch(shared, 5) == wait::Watched::kChanged);
    heard = true;
    ringer.join();
    CHECK(std::string(waiter.reason()) == "test");
    CHECK_FALSE(waiter.over());
    SUBCASE("notified") {
        std::thread([&] { waiter.notify(); }).join();
        CHECK(waiter.over());
        CHECK(waiter.watch(shared, 4) == wait::Watched::kWoken);
        CHECK(waiter.sleep({}) == Wake::kNotified);
    }
    SUBCASE("interrupted meanwhile") {
        std::thread other([&] { waiter.interrupt(); });
        CHECK(waiter.watch(shared, 5) == wait::Watched::kWoken);
        other.join();
        CHECK(waiter.sleep({}) == Wake::kInterrupted);
    }
    SUBCASE("killed before") {
        waiter.kill();
        waiter.prepare({.reason = "test"});
        CHECK(waiter.over());
        CHECK(waiter.watch(shared, 5) == wait::Watched::kWoken);
        CHECK(waiter.sleep({}) == Wake::kKilled);
    }
}

TEST_CASE("work that is not its context's own has no waiter") {
    std::thread([] {
        Waiter waiter;
        waiter.adopt_this_thread();
        {
            const Waiter::Aside aside;
            CHECK(Waiter::of_this_thread() == nullptr);
        }
        CHECK(Waiter::of_this_thread() == &waiter);
    }).join();
}

TEST_CASE("a view tells why, on whom, and which of its owner's waits it is, until it is ended") {
    Waiter waiter;
    CHECK(waiter.view().wait.reason == nullptr);
    waiter.prepare({"test", {SchemeId{4}, HandleNumber{7}}, true});
    const wait::WaitView first = waiter.view();
    CHECK(std::string_view(first.wait.reason) == "test");
    CHECK(first.wait.wakers == wait::Wakers{SchemeId{4}, HandleNumber{7}});
    CHECK(first.wait.timed);
    waiter.notify();
    CHECK(waiter.view().wait.reason == nullptr);
    // sys:block shows the reason until its owner runs.
    CHECK(waiter.reason() != nullptr);
    CHECK(waiter.sleep({}) == Wake::kNotified);
    waiter.prepare({.reason = "test"});
    CHECK(waiter.view().number == first.number + 1);
    CHECK_FALSE(waiter.view().wait.wakers.known());
    CHECK(waiter.sleep(steady_clock::now()) == Wake::kTimedOut);
}
