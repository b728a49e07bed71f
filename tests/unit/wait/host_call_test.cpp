#include "kernel_shim/wait/host_call.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <thread>
#include <vector>

#include "kernel_shim/wait/interrupter.h"
#include "kernel_shim/wait/waiter.h"

namespace halfcell::wait {

namespace {

using Clock = std::chrono::steady_clock;

// The interrupter, as a run has it.
struct Interrupting {
    Result<Interrupter::Running> running = Interrupter::start();
};

// A worker inside a read of a pipe that nobody writes to, which says when it has come back.
class Reader {
  public:
    explicit Reader(HostCall::Restart restart = HostCall::Restart::kHonoured, HostCall::Guest guest = {}) {
        REQUIRE(::pipe(ends_.data()) == 0);
        thread_ = std::thread([this, restart, guest = std::move(guest)]() mutable {
            waiter.adopt_this_thread();
            HostCall::set_guest(std::move(guest));
            char byte = 0;
            HostCall call(restart);
            reads_ = true;
            const ssize_t got = call.run([&] { return ::read(ends_[0], &byte, 1); });
            error_ = got < 0 ? errno : 0;
            came_back_ = Clock::now();
        });
        while (!reads_)
            std::this_thread::yield();
    }
    ~Reader() {
        if (thread_.joinable()) (void)end();
        ::close(ends_[0]);
        ::close(ends_[1]);
    }
    // What the read came to: 0, or its errno. Blocks until it has.
    int end() {
        thread_.join();
        return error_;
    }
    void feed() { REQUIRE(::write(ends_[1], "x", 1) == 1); }
    [[nodiscard]] Clock::time_point came_back() const { return came_back_; }

    Waiter waiter;

  private:
    std::array<int, 2> ends_{};
    std::atomic<bool> reads_{false};
    int error_ = 0;
    Clock::time_point came_back_;
    std::thread thread_;
};

Interrupter::Counts counts() {
    return Interrupter::of_this_process().counts();
}

void wait_for_signals(std::uint64_t beyond) {
    while (counts().signals <= beyond)
        std::this_thread::yield();
}

HostCall::Guest with_restarting_signal() {
    return {.waits = [] { return true; }, .signals_restart = [] { return true; }};
}

}  // namespace

TEST_CASE("a kill ends a call of the host, and every later one before it begins") {
    const Interrupting interrupting;
    Reader reader;
    reader.waiter.kill();
    CHECK(reader.end() == EINTR);
}

TEST_CASE("a signal ends it, and one whose handler restarts does not") {
    const Interrupting interrupting;
    Reader ends;
    ends.waiter.interrupt();
    CHECK(ends.end() == EINTR);

    Reader goes_on(HostCall::Restart::kHonoured, with_restarting_signal());
    const auto before = counts().signals;
    goes_on.waiter.interrupt();
    wait_for_signals(before);
    goes_on.feed();
    CHECK(goes_on.end() == 0);

    Reader cares_not(HostCall::Restart::kIgnored, with_restarting_signal());
    cares_not.waiter.interrupt();
    CHECK(cares_not.end() == EINTR);
}

TEST_CASE("a signal or a stop that came while no call was in progress ends the next one that blocks") {
    const Interrupting interrupting;
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const auto calls = [&](bool signal, bool stop) {
        Waiter waiter;
        waiter.set_interruption_check([signal] { return signal; });
        if (stop) waiter.hold();
        waiter.adopt_this_thread();
        HostCall::set_guest({});
        char byte = 0;
        CHECK(HostCall().run([&] { return ::read(ends[0], &byte, 1); }) == -1);
        CHECK(errno == EINTR);
        CHECK(::write(ends[1], "x", 1) == 1);
        CHECK(HostCall().run([&] { return ::read(ends[0], &byte, 1); }) == 1);
    };
    std::thread(calls, true, false).join();
    std::thread(calls, false, true).join();
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_CASE("a call that went on after one signal is killed like any other") {
    const Interrupting interrupting;
    Reader reader(HostCall::Restart::kHonoured, with_restarting_signal());
    const auto before = counts().signals;
    reader.waiter.interrupt();
    wait_for_signals(before);
    reader.waiter.kill();
    CHECK(reader.end() == EINTR);
}

TEST_CASE("a stop ends it") {
    const Interrupting interrupting;
    Reader reader;
    reader.waiter.hold();
    CHECK(reader.end() == EINTR);
}

TEST_CASE("what a dying context does last runs to its end, and so does what no context does") {
    const Interrupting interrupting;
    Waiter waiter;
    waiter.kill();
    int unbroken = -1;
    int broken = -1;
    std::thread([&] {
        waiter.adopt_this_thread();
        {
            const HostCall::Unbroken to_the_end;
            unbroken = host_call([] { return 0; });
        }
        broken = host_call([] { return 0; });
    }).join();
    CHECK(unbroken == 0);
    CHECK(broken == -1);
    CHECK(host_call([] { return 7; }) == 7);
}

TEST_CASE("a guest that has vanished is counted") {
    const Interrupting interrupting;
    const auto before = counts().gone;
    Reader reader(HostCall::Restart::kHonoured, {.waits = [] { return false; }, .signals_restart = {}});
    reader.waiter.kill();
    CHECK(reader.end() == EINTR);
    CHECK(counts().gone > before);
}

TEST_CASE("the interrupter sleeps while nothing is to end") {
    const Interrupting interrupting;
    const auto before = counts().looks;
    Waiter waiter;
    std::thread([&] {
        waiter.adopt_this_thread();
        for (int i = 0; i < 1000; ++i)
            CHECK(host_call([] { return 0; }) == 0);
    }).join();
    Reader reader;
    reader.feed();
    CHECK(reader.end() == 0);
    CHECK(counts().looks == before);
}

TEST_CASE("a worker that does not leave its call is signalled ever more rarely, and keeps nobody waiting") {
    const Interrupting interrupting;
    std::atomic<bool> leaves{false};
    Waiter deaf;
    const auto before = counts();
    std::thread worker([&] {
        deaf.adopt_this_thread();
        // It is in a call, as far as anybody can see, and no signal gets it out.
        (void)HostCall(HostCall::Restart::kIgnored).run([&] {
            deaf.kill();
            while (!leaves)
                std::this_thread::yield();
            errno = EINTR;
            return -1;
        });
    });
    while (counts().signals == before.signals)
        std::this_thread::yield();
    const auto first = Clock::now();
    // The pauses double, from half a millisecond on: eight of them take 127 ms at least.
    wait_for_signals(before.signals + 8);
    CHECK(Clock::now() - first > std::chrono::milliseconds(50));

    Reader other;
    other.waiter.kill();
    CHECK(other.end() == EINTR);
    leaves = true;
    worker.join();
}

// HALFCELL_KILLED_CALLS says how many; scripts/soak wants ten thousand.
TEST_CASE("killed calls end soon") {
    const Interrupting interrupting;
    const char* const wanted = std::getenv("HALFCELL_KILLED_CALLS");
    const std::size_t rounds = wanted != nullptr ? std::strtoul(wanted, nullptr, 10) : 200;
    std::vector<double> milliseconds;
    for (std::size_t round = 0; round < rounds; ++round) {
        // The kill falls before, at and after the moment at which Linux is entered.
        Reader reader;
        for (std::size_t i = 0; i < round % 64; ++i)
            std::this_thread::yield();
        const auto killed = Clock::now();
        reader.waiter.kill();
        REQUIRE(reader.end() == EINTR);
        milliseconds.push_back(
            std::chrono::duration<double, std::milli>(reader.came_back() - killed).count());
    }
    std::sort(milliseconds.begin(), milliseconds.end());
    const double median = milliseconds[milliseconds.size() / 2];
    const double p99 = milliseconds[milliseconds.size() * 99 / 100];
    MESSAGE(rounds << " calls, median " << median << " ms, p99 " << p99 << " ms, worst "
                   << milliseconds.back() << " ms, " << counts().signals << " signals");
    if (wanted != nullptr) CHECK(p99 < 10);
}

}  // namespace halfcell::wait
