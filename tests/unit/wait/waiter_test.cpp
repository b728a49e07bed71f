#include "kernel_shim/wait/waiter.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
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
              waiter.prepare("test");
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
