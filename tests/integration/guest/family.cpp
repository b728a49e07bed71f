// family VERB COUNT: many processes or threads, so that a test on the host can count what becomes of them.

#include <atomic>
#include <vector>

#include "userland/lib/number.h"
#include "userland/rt/child.h"
#include "userland/rt/fork.h"
#include "userland/rt/output.h"
#include "userland/rt/process.h"
#include "userland/rt/signal.h"
#include "userland/rt/thread.h"

namespace halfcell::userland {
namespace {

template <typename Value>
Value or_end(Result<Value> result, int status) {
    if (!result) exit_now(status);
    return std::move(*result);
}

void say(std::uint64_t number) {
    out().write(decimal(number));
    out().write("\n");
    out().flush();
}

void wait_until_end_of(Fd file) {
    std::byte byte{};
    (void)sys_read(file, {&byte, 1});
}

void reap(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i)
        if (exit_status_of(or_end(wait_for_child(0, 0), 11).status) != 0) exit_now(12);
}

// alive COUNT: so many children at once; says their number, and ends them when standard input ends.
void live_together(std::uint64_t count) {
    Pipe pipe = or_end(make_pipe(), 2);
    for (std::uint64_t i = 0; i < count; ++i) {
        if (or_end(fork_process(), 3) != 0) continue;
        pipe.writer = UniqueFd();
        wait_until_end_of(pipe.reader.fd());
        exit_now(0);
    }
    say(count);
    wait_until_end_of(Fd::kStdin);
    pipe.writer = UniqueFd();
    reap(count);
}

// short COUNT: one after the other.
void live_shortly(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
        if (or_end(fork_process(), 3) == 0) exit_now(0);
        reap(1);
    }
    say(count);
}

// bomb COUNT: children until there are no more to be had, COUNT at most; says how many there were, then what
// the last fork failed with.
void bomb(std::uint64_t count) {
    Pipe pipe = or_end(make_pipe(), 2);
    std::uint64_t children = 0;
    Errno refusal{};
    while (children < count) {
        const Result<std::uint32_t> child = fork_process();
        if (!child) {
            refusal = child.error();
            break;
        }
        if (*child == 0) {
            pipe.writer = UniqueFd();
            wait_until_end_of(pipe.reader.fd());
            exit_now(0);
        }
        ++children;
    }
    say(children);
    say(static_cast<std::uint64_t>(refusal));
    pipe.writer = UniqueFd();
    reap(children);
}

// threads COUNT: the same with threads.
void thread_bomb(std::uint64_t count) {
    static std::atomic<std::uint32_t> over{0};
    std::vector<Thread> threads;
    Errno refusal{};
    while (threads.size() < count) {
        auto thread = Thread::start(
            [](void*) {
                while (over.load() == 0)
                    futex_wait(reinterpret_cast<const std::uint32_t*>(&over), 0);
            },
            nullptr);
        if (!thread) {
            refusal = thread.error();
            break;
        }
        threads.push_back(std::move(*thread));
    }
    say(threads.size());
    say(static_cast<std::uint64_t>(refusal));
    over.store(1);
    futex_wake(reinterpret_cast<const std::uint32_t*>(&over), UINT32_MAX);
    for (Thread& thread : threads)
        thread.join();
}

std::atomic<std::uint64_t> received{0};

void await_signal(std::uint64_t number) {
    const abi::TimeSpec long_time{.tv_sec = 3600, .tv_nsec = 0};
    for (;;) {
        // Between the look and the sleep no handler runs, but the sleep ends when one is to.
        const SignalsHeld held;
        if (received.load() >= number) return;
        (void)sys_nanosleep(long_time);
    }
}

// kills COUNT: two processes send each other so many signals, each only after the last one has come. A lost
// one hangs, one that comes twice shows in the number.
void exchange_signals(std::uint64_t count) {
    handle_signal(Signal::kUsr1, [](std::uint32_t) { received.fetch_add(1); });
    const std::uint32_t parent = or_end(process_identity(), 2).pid;
    const std::uint32_t child = or_end(fork_process(), 3);
    for (std::uint64_t i = 1; i <= count; ++i) {
        if (child == 0) await_signal(i);
        if (!send_signal(child == 0 ? parent : child, Signal::kUsr1)) exit_now(4);
        if (child != 0) await_signal(i);
    }
    if (received.load() != count) exit_now(5);
    if (child == 0) exit_now(0);
    reap(1);
    say(received.load());
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    if (arguments.size() != 2) return 64;
    const auto count = parse_unsigned(arguments[1]);
    if (!count) return 64;
    const std::string_view verb = arguments[0];
    if (verb == "alive") live_together(*count);
    if (verb == "short") live_shortly(*count);
    if (verb == "bomb") bomb(*count);
    if (verb == "threads") thread_bomb(*count);
    if (verb == "kills") exchange_signals(*count);
    return 0;
}

}  // namespace halfcell::userland
