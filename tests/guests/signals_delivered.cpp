// Tests that signals reach handlers, change nothing of the code they interrupt, and end what they should end.

#include <array>

#include "tests/guests/check.h"
#include "userland/rt/child.h"
#include "userland/rt/fork.h"
#include "userland/rt/input.h"
#include "userland/rt/signal.h"

namespace halfcell::userland {
namespace {

volatile std::uint32_t calls = 0;
volatile std::uint32_t last = 0;
volatile std::uint32_t depth = 0;
volatile std::uint32_t deepest = 0;

void count(std::uint32_t signal) {
    // Uses registers of all kinds, so that an unsaved one shows.
    volatile double noise[4] = {1.25, 2.5, 3.75, 5.0};
    for (int i = 0; i < 4; ++i)
        noise[i] = noise[i] * 3 + noise[(i + 1) % 4];
    depth = depth + 1;
    if (depth > deepest) deepest = depth;
    last = signal;
    calls = calls + 1;
    depth = depth - 1;
}

std::uint32_t own_pid() {
    return need(process_identity(), "identity").pid;
}

void test_own_signal(std::uint32_t self) {
    handle_signal(Signal::kUsr1, count);
    need(send_signal(self, Signal::kUsr1), "kill");
    check(calls == 1 && last == Signal::kUsr1, "a signal to oneself is handled before kill returns");
    {
        const SignalsHeld held;
        need(send_signal(self, Signal::kUsr1), "kill");
        check(calls == 1, "held signals wait");
    }
    check(calls == 2, "held signals come afterwards");
    set_blocked_signals(abi::signal_bit(Signal::kUsr1));
    need(send_signal(self, Signal::kUsr1), "kill");
    need(send_signal(self, Signal::kUsr1), "kill");
    check(calls == 2, "blocked signals wait");
    set_blocked_signals(0);
    check(calls == 3, "two of a kind are one");
    ignore_signal(Signal::kUsr1);
    need(send_signal(self, Signal::kUsr1), "kill");
    reset_signal(Signal::kUsr1);
    check(calls == 3, "ignored signals are gone");
    check(send_signal(1'000'000, 0).error() == Errno::kESRCH, "ESRCH for nobody");
    check(send_signal(self, 65).error() == Errno::kEINVAL, "EINVAL for no signal");
}

void test_masks(std::uint32_t self) {
    static std::uint32_t target;
    target = self;
    calls = 0;
    deepest = 0;
    handle_signal(Signal::kUsr2, count);
    // A handler that sends itself another signal: blocked by its mask, it runs afterwards; else inside.
    handle_signal(
        Signal::kUsr1,
        [](std::uint32_t) {
            depth = depth + 1;
            (void)send_signal(target, Signal::kUsr2);
            depth = depth - 1;
        },
        abi::signal_bit(Signal::kUsr2));
    need(send_signal(self, Signal::kUsr1), "kill");
    check(calls == 1 && deepest == 1, "a masked signal waits for the handler's end");
    deepest = 0;
    handle_signal(Signal::kUsr1, [](std::uint32_t) {
        depth = depth + 1;
        (void)send_signal(target, Signal::kUsr2);
        depth = depth - 1;
    });
    need(send_signal(self, Signal::kUsr1), "kill");
    check(calls == 2 && deepest == 2, "another signal nests");
}

// A loop whose registers would show any change, interrupted by a child's signals all the time.
void test_registers(std::uint32_t self) {
    calls = 0;
    handle_signal(Signal::kUsr1, count);
    const std::uint32_t child = need(fork_process(), "fork");
    if (child == 0) {
        for (int i = 0; i < 300; ++i)
            (void)send_signal(self, Signal::kUsr1);
        exit_now(0);
    }
    std::uint64_t a = 1;
    std::uint64_t b = 2;
    double x = 1.0;
    double y = 3.0;
    bool right = true;
    std::uint64_t rounds = 0;
    for (;;) {
        std::uint64_t first = a;
        double real = x;
        for (int i = 0; i < 2000; ++i) {
            first = first * 6364136223846793005U + b;
            real = real * 0.5 + y;
        }
        static std::uint64_t expected = 0;
        static double expected_real = 0;
        if (rounds == 0) {
            expected = first;
            expected_real = real;
        }
        right = right && first == expected && real == expected_real;
        if (++rounds % 64 == 0) {
            const ChildNews news = need(wait_for_child(child, abi::WaitFlags::kNohang), "wait");
            if (news.pid != 0) break;
        }
    }
    check(right, "registers survive handlers");
    check(calls >= 1 && calls <= 300, "the loop was interrupted");
}

void test_endings() {
    struct Case {
        std::uint32_t signal;
        std::int32_t status;
    };
    for (const Case ending : {Case{Signal::kTerm, 15}, Case{Signal::kKill, 9}, Case{Signal::kInt, 2}}) {
        Pipe pipe = need(make_pipe(), "pipe");
        const std::uint32_t child = need(fork_process(), "fork");
        if (child == 0) {
            (void)write_all(pipe.writer.fd(), "x");
            for (;;)
                (void)sys_nanosleep({1000, 0});
        }
        std::byte byte{};
        need(read_some(pipe.reader.fd(), std::span(&byte, 1)), "the child's sign");
        need(send_signal(child, ending.signal), "kill the child");
        check(need(wait_for_child(child, 0), "wait").status == ending.status, "death by a signal");
    }
}

void test_stop() {
    const std::uint32_t child = need(fork_process(), "fork");
    if (child == 0) {
        for (;;)
            (void)sys_nanosleep({1000, 0});
    }
    need(send_signal(child, Signal::kStop), "stop");
    const ChildNews stopped = need(wait_for_child(child, abi::WaitFlags::kUntraced), "wait for the stop");
    check(abi::wait_stopped(stopped.status) && abi::wait_stop_signal(stopped.status) == Signal::kStop,
          "stopped");
    need(send_signal(child, Signal::kCont), "continue");
    const ChildNews continued =
        need(wait_for_child(child, abi::WaitFlags::kContinued), "wait for its going on");
    check(abi::wait_continued(continued.status), "continued");
    need(send_signal(child, Signal::kKill), "kill");
    check(need(wait_for_child(child, 0), "wait").status == 9, "killed");
}

void test_interrupted_wait(std::uint32_t self) {
    calls = 0;
    handle_signal(Signal::kUsr1, count);
    std::uint32_t child = 0;
    {
        const SignalsHeld held;
        child = need(fork_process(), "fork");
        if (child == 0) {
            (void)send_signal(self, Signal::kUsr1);
            for (;;)
                (void)sys_nanosleep({1000, 0});
        }
        // Whether it comes before or during the wait, the wait ends.
        const Result<ChildNews> news = wait_for_child(child, 0);
        check(!news && news.error() == Errno::kEINTR, "EINTR for a wait");
        check(calls == 0, "no handler runs while signals are held");
    }
    check(calls == 1, "and the handler ran");
    need(send_signal(child, Signal::kKill), "kill");
    check(need(wait_for_child(child, 0), "wait").pid == child, "killed");
}

// A child has nothing of what waits for its parent, and loses nothing of its own, however early it comes.
void test_waiting_across_fork(std::uint32_t self) {
    const std::uint64_t both = abi::signal_bit(Signal::kUsr1) | abi::signal_bit(Signal::kUsr2);
    handle_signal(Signal::kUsr1, count);
    handle_signal(Signal::kUsr2, [](std::uint32_t) { exit_now(3); });
    for (int i = 0; i < 200; ++i) {
        set_blocked_signals(both);
        need(send_signal(self, Signal::kUsr1), "kill");
        need(send_signal(self, Signal::kUsr2), "kill");
        const std::uint32_t child = need(fork_process(), "fork");
        if (child == 0) {
            reset_signal(Signal::kUsr1);
            set_blocked_signals(0);
            // A signal may come late, but not never.
            const std::int64_t began = need(sys_clock_gettime(abi::Clock::kMonotonic), "time").tv_sec;
            while (need(sys_clock_gettime(abi::Clock::kMonotonic), "time").tv_sec < began + 10)
                (void)sys_nanosleep({1, 0});
            exit_now(4);
        }
        need(send_signal(child, Signal::kUsr1), "kill the child");
        const std::int32_t status = need(wait_for_child(child, 0), "wait").status;
        check(abi::wait_signaled(status),
              status == 3 << 8 ? "the parent's signal" : "its own signal is lost");
        ignore_signal(Signal::kUsr2);
        set_blocked_signals(0);
        handle_signal(Signal::kUsr2, [](std::uint32_t) { exit_now(3); });
    }
}

}  // namespace

int main_program(std::span<const std::string_view>) {
    const std::uint32_t self = own_pid();
    test_own_signal(self);
    test_masks(self);
    test_registers(self);
    test_endings();
    test_stop();
    test_interrupted_wait(self);
    test_waiting_across_fork(self);
    return passed();
}

}  // namespace halfcell::userland
