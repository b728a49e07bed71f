#include "kernel_shim/wait/sleep_word.h"

#include <doctest/doctest.h>

#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>

#include "kernel_shim/base/guarded.h"

namespace halfcell::wait {

using Clock = std::chrono::steady_clock;

namespace {

// Whether a thread that does nothing else has come to sleep.
bool sleeps(pid_t thread) {
    std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
    std::string line;
    std::getline(file, line);
    return line.find(") S ") != line.npos;
}

}  // namespace

TEST_CASE("a wake before the sleep ends it at once, and is forgotten by the next arming") {
    SleepWord word;
    word.wake();
    CHECK(word.sleep(std::nullopt));
    CHECK(word.sleep(std::nullopt));
    word.arm();
    CHECK_FALSE(word.sleep(Clock::now()));
}

TEST_CASE("deadlines at the ends of time neither hang nor spin") {
    SleepWord word;
    CHECK_FALSE(word.sleep(Clock::time_point::min()));
    CHECK_FALSE(word.sleep(Clock::time_point{}));
    const auto start = Clock::now();
    CHECK_FALSE(word.sleep(start + std::chrono::milliseconds(5)));
    CHECK(Clock::now() - start >= std::chrono::milliseconds(5));
    std::thread waker([&] { word.wake(); });
    CHECK(word.sleep(Clock::time_point::max()));
    waker.join();
}

TEST_CASE("two threads that wake each other a hundred thousand times miss nothing") {
    constexpr int kTurns = 100'000;
    SleepWord ping;
    SleepWord pong;
    std::thread other([&] {
        for (int i = 0; i < kTurns; ++i) {
            (void)ping.sleep(std::nullopt);
            ping.arm();
            pong.wake();
        }
    });
    int turns = 0;
    for (; turns < kTurns; ++turns) {
        ping.wake();
        if (!pong.sleep(std::nullopt)) break;
        pong.arm();
    }
    CHECK(turns == kTurns);
    other.join();
}

TEST_CASE("a wake under locks comes when the last of them is released") {
    SleepWord word;
    LevelMutex<LockLevel::kScheme> outer;
    LevelMutex<LockLevel::kObject> inner;
    std::atomic<pid_t> id{0};
    std::thread sleeper([&] {
        id = gettid();
        (void)word.sleep(std::nullopt);
    });
    while (id == 0 || !sleeps(id))
        std::this_thread::yield();
    {
        const std::lock_guard lock(outer);
        {
            const std::lock_guard nested(inner);
            word.wake();
        }
        CHECK(detail::actions_wait);
    }
    CHECK_FALSE(detail::actions_wait);
    sleeper.join();
}

}  // namespace halfcell::wait
