// procspeed: measures processes and threads from inside a guest; a guest half of `halfcell bench`.

#include <array>

#include "userland/lib/monotonic_clock.h"
#include "userland/lib/number.h"
#include "userland/lib/tool.h"
#include "userland/lib/tracer.h"
#include "userland/rt/child.h"
#include "userland/rt/exec.h"
#include "userland/rt/fork.h"
#include "userland/rt/thread.h"

namespace halfcell::userland {
namespace {

constexpr Usage kUsage{
    "procspeed",
    "ROW COUNT",
    "Does COUNT times what ROW says (fork1m, fork256m: fork, exit and wait with so much memory touched; "
    "forkexec: run `true`; thread: start and join; pingpong: a byte to another process and back; breakpoint: "
    "a "
    "traced child runs into one, its registers are read and it goes on; step: it executes one instruction) "
    "and "
    "prints nanoseconds each; for pingpong, per hop.",
    {}};

constexpr std::size_t kPage = 4096;

template <typename Value>
Value or_give_up(Result<Value> result, std::string_view what) {
    if (!result) give_up(1, what, ": ", error_sentence(result.error()));
    return std::move(*result);
}

void touch(std::byte* bytes, std::size_t size) {
    for (std::size_t at = 0; at < size; at += kPage)
        *const_cast<volatile std::byte*>(bytes + at) = std::byte{1};
}

void wait_for(std::uint32_t child) {
    const ChildNews news = or_give_up(wait_for_child(child, 0), "wait");
    if (exit_status_of(news.status) != 0) give_up(1, "the child failed");
}

// Forks of a process with `size` bytes that it has touched, and touches again between forks.
std::uint64_t time_forks(std::uint64_t count, std::size_t size) {
    std::byte* const bytes = or_give_up(map_anonymous(size), "memory");
    std::uint64_t spent = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        touch(bytes, size);
        const std::uint64_t start = monotonic_nanoseconds();
        const std::uint32_t child = or_give_up(fork_process(), "fork");
        if (child == 0) exit_now(0);
        wait_for(child);
        spent += monotonic_nanoseconds() - start;
    }
    return spent;
}

std::uint64_t time_programs(std::uint64_t count) {
    const std::array<std::string, 1> words{"true"};
    const std::vector<std::string> environment = inherited_environment();
    const std::uint64_t start = monotonic_nanoseconds();
    for (std::uint64_t i = 0; i < count; ++i)
        wait_for(or_give_up(spawn_program(words, environment), "true"));
    return monotonic_nanoseconds() - start;
}

std::uint64_t time_threads(std::uint64_t count) {
    const std::uint64_t start = monotonic_nanoseconds();
    for (std::uint64_t i = 0; i < count; ++i)
        or_give_up(Thread::start([](void*) {}, nullptr), "thread").join();
    return monotonic_nanoseconds() - start;
}

void move_byte(Fd from, Fd to) {
    std::byte byte{};
    if (!sys_read(from, {&byte, 1}) || !sys_write(to, {&byte, 1})) give_up(1, "the other end is gone");
}

std::uint64_t time_pingpong(std::uint64_t count) {
    const Pipe there = or_give_up(make_pipe(), "pipe");
    const Pipe back = or_give_up(make_pipe(), "pipe");
    const std::uint32_t child = or_give_up(fork_process(), "fork");
    if (child == 0) {
        for (std::uint64_t i = 0; i < count; ++i)
            move_byte(there.reader.fd(), back.writer.fd());
        exit_now(0);
    }
    const std::byte byte{1};
    const std::uint64_t start = monotonic_nanoseconds();
    if (!sys_write(there.writer.fd(), {&byte, 1})) give_up(1, "the pipe is broken");
    for (std::uint64_t i = 1; i < count; ++i)
        move_byte(back.reader.fd(), there.writer.fd());
    std::byte last{};
    (void)sys_read(back.reader.fd(), {&last, 1});
    const std::uint64_t spent = monotonic_nanoseconds() - start;
    wait_for(child);
    return spent / 2;
}

// Stops of a traced child that loops over an int3, whose registers are read at each.
std::uint64_t time_stops(std::uint64_t count, std::uint64_t flags) {
    const Pipe attached = or_give_up(make_pipe(), "pipe");
    const std::uint32_t child = or_give_up(fork_process(), "fork");
    if (child == 0) {
        std::byte byte{};
        (void)sys_read(attached.reader.fd(), {&byte, 1});
        for (;;)
            __asm__ volatile("int3");
    }
    const Tracer tracer =
        or_give_up(Tracer::attach(child, abi::OpenFlags::kTrunc | abi::OpenFlags::kExcl), "attach");
    const std::byte byte{1};
    (void)or_give_up(sys_write(attached.writer.fd(), {&byte, 1}), "let it begin");
    (void)or_give_up(tracer.event(), "the stop");
    (void)or_give_up(tracer.run_to_stop(flags), "the first stop");
    const std::uint64_t start = monotonic_nanoseconds();
    for (std::uint64_t i = 0; i < count; ++i) {
        if (or_give_up(tracer.run_to_stop(flags), "a stop") == 0) give_up(1, "a stop without an event");
        (void)or_give_up(tracer.registers(), "registers");
    }
    return monotonic_nanoseconds() - start;
}

std::uint64_t measure(std::string_view row, std::uint64_t count) {
    if (row == "fork1m") return time_forks(count, 1 << 20);
    if (row == "fork256m") return time_forks(count, 256 << 20);
    if (row == "forkexec") return time_programs(count);
    if (row == "thread") return time_threads(count);
    if (row == "pingpong") return time_pingpong(count);
    if (row == "breakpoint")
        return time_stops(count,
                          abi::PtraceFlags::kPtraceStopBreakpoint | abi::PtraceFlags::kPtraceFlagIgnore);
    if (row == "step")
        return time_stops(count, abi::PtraceFlags::kPtraceStopSinglestep |
                                     abi::PtraceFlags::kPtraceStopBreakpoint |
                                     abi::PtraceFlags::kPtraceFlagIgnore);
    usage_error(concat("no row '", row, "'"));
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    check_operand_count(line, 2);
    const auto count = parse_unsigned(line.operands[1]);
    if (!count || *count == 0) usage_error(concat("invalid count '", line.operands[1], "'"));
    out().write(concat(decimal(measure(line.operands[0], *count) / *count), "\n"));
    return 0;
}

}  // namespace halfcell::userland
