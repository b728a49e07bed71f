// own_answers COUNT SEED: threads that make calls with values nobody else uses, some of which block, while
// COUNT processes of such threads are killed and others started. Every answer must be the caller's own.
// Prints how many answers were.

#include <array>
#include <atomic>
#include <cstddef>
#include <random>
#include <vector>

#include "tests/guests/check.h"
#include "tests/integration/guest/shared_memory.h"
#include "userland/lib/number.h"
#include "userland/rt/child.h"
#include "userland/rt/file.h"
#include "userland/rt/fork.h"
#include "userland/rt/signal.h"
#include "userland/rt/thread.h"

namespace halfcell::userland {
namespace {

using Value = std::uint64_t;

constexpr std::size_t kStayers = 2;  // processes that live on
constexpr std::size_t kVictims = 3;  // at a time

struct Shared {
    std::atomic<bool> over;
    std::atomic<std::uint32_t> callers;  // so far; each has a number of its own
    std::atomic<std::uint64_t> answers;
};

Shared& shared() {
    static Shared& memory = shared_memory<Shared>();
    return memory;
}

void put(const Pipe& pipe, Value value) {
    check(need(sys_write(pipe.writer.fd(), std::as_bytes(std::span(&value, 1))), "write") == sizeof value,
          "a write of another size");
}

// 0 where nobody writes any more.
Value take(const UniqueFd& reader) {
    Value value = 0;
    const std::size_t size =
        need(sys_read(reader.fd(), std::as_writable_bytes(std::span(&value, 1))), "read");
    check(size == 0 || size == sizeof value, "a read of another size");
    return size == 0 ? 0 : value;
}

// Makes calls, and compares what they come to with what only this caller can have asked for.
class Caller {
  public:
    void ask() {
        const Value value = (number_ << 32) | ++asked_;
        const auto position = static_cast<std::int64_t>(value);
        check(need(sys_lseek(file_.fd(), position, abi::SeekWhence::kSet), "seek") == value,
              "somebody else's position");
        put(pipe_, value);
        check(take(pipe_.reader) == value, "somebody else's bytes");
        // A transfer of as many bytes as only few ask for.
        const std::size_t size = 1 + number_ % bytes_.size();
        check(need(sys_read(zero_.fd(), std::span(bytes_).first(size)), "read") == size,
              "somebody else's size");
        shared().answers.fetch_add(4, std::memory_order_relaxed);
    }
    // The same of a call that waits until the other thread has answered.
    void ask_other(const Pipe& forth, const Pipe& back) {
        const Value value = (number_ << 32) | ++asked_;
        put(forth, value);
        check(take(back.reader) == ~value, "another answer from the other thread");
        shared().answers.fetch_add(2, std::memory_order_relaxed);
    }

  private:
    const Value number_ = shared().callers.fetch_add(1) + 1;
    Value asked_ = 0;
    UniqueFd file_ = need(open_file("/tmp/own", abi::OpenFlags::kRdwr | abi::OpenFlags::kCreat), "file");
    UniqueFd zero_ = need(open_file("/scheme/zero", abi::OpenFlags::kRdonly), "zero");
    Pipe pipe_ = need(make_pipe(), "pipe");
    std::array<std::byte, 509> bytes_{};
};

struct Pair {
    Pipe forth = need(make_pipe(), "pipe");
    Pipe back = need(make_pipe(), "pipe");
};

void ask_for_long(void* pair) {
    auto& [forth, back] = *static_cast<Pair*>(pair);
    Caller caller;
    while (!shared().over.load()) {
        caller.ask();
        caller.ask_other(forth, back);
    }
    forth.writer.reset();
}

void answer(void* pair) {
    const auto& [forth, back] = *static_cast<const Pair*>(pair);
    while (const Value value = take(forth.reader))
        put(back, ~value);
}

void ask_a_little(void*) {
    Caller caller;
    for (int i = 0; i < 10; ++i)
        caller.ask();
}

// Two threads that stay, and always one that has just been started.
void be_process() {
    Pair pair;
    Thread answering = need(Thread::start(answer, &pair), "thread");
    Thread asking = need(Thread::start(ask_for_long, &pair), "thread");
    while (!shared().over.load())
        need(Thread::start(ask_a_little, nullptr), "thread").join();
    asking.join();
    answering.join();
}

std::uint32_t start_process() {
    const std::uint32_t child = need(fork_process(), "fork");
    if (child != 0) return child;
    be_process();
    exit_now(0);
}

void await_end(std::uint32_t child, int status) {
    check(exit_status_of(need(wait_for_child(child, 0), "wait").status) == status, "how a process ends");
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const auto count = arguments.size() == 2 ? parse_unsigned(arguments[0]) : std::nullopt;
    const auto seed = count ? parse_unsigned(arguments[1]) : std::nullopt;
    check(seed.has_value(), "COUNT SEED");
    std::minstd_rand random(static_cast<std::uint32_t>(*seed));
    (void)shared();
    std::array<std::uint32_t, kStayers> stayers;
    for (std::uint32_t& stayer : stayers)
        stayer = start_process();
    std::array<std::uint32_t, kVictims> victims{};
    for (std::uint64_t killed = 0; killed < *count; ++killed) {
        for (std::uint32_t& victim : victims)
            if (victim == 0) victim = start_process();
        // From before its first call to the middle of many.
        const abi::TimeSpec moment{.tv_sec = 0, .tv_nsec = static_cast<std::int32_t>(random() % 3'000'000)};
        (void)sys_nanosleep(moment);
        std::uint32_t& victim = victims[random() % kVictims];
        need(send_signal(victim, Signal::kKill), "kill");
        await_end(victim, 128 + static_cast<int>(Signal::kKill));
        victim = 0;
    }
    shared().over = true;
    for (const std::uint32_t stayer : stayers)
        await_end(stayer, 0);
    for (const std::uint32_t victim : victims)
        if (victim != 0) await_end(victim, 0);
    out().print(shared().answers.load(), " answers of ", shared().callers.load(), " callers\n");
    return passed();
}

}  // namespace halfcell::userland
