// interrupted guest|host COUNT KIND…: kills processes that are blocked in a call, COUNT of every kind, while
// others compute and make calls, and measures until the wait for them returns.
//   guest: kills them itself, and prints a line for every kind: its name, how many, and the median, the 99th
//   percentile and the maximum in microseconds. host: somebody else kills. It says "ready", and for every
//   line of standard input "blocked KIND"; then when the wait returned, in nanoseconds of the real clock.
// Kinds: pipe, futex, sleep, wait, scheme (one of a guest), and FILE, a path whose reads do not come back.
// Standard input gives a byte whenever a read of FILE has begun.

#include <algorithm>
#include <array>
#include <atomic>
#include <string>
#include <vector>

#include "tests/guests/check.h"
#include "tests/guests/scheme_session.h"
#include "tests/integration/guest/load.h"
#include "tests/integration/guest/shared_memory.h"
#include "userland/lib/monotonic_clock.h"
#include "userland/lib/number.h"
#include "userland/rt/child.h"
#include "userland/rt/file.h"
#include "userland/rt/fork.h"
#include "userland/rt/signal.h"

namespace halfcell::userland {
namespace {

constexpr std::string_view kScheme = "slow";

struct Shared {
    std::atomic<bool> enters;  // the victim's next call is the one that blocks
    std::uint32_t word;        // stays 0
};

Shared& shared() {
    static Shared& memory = shared_memory<Shared>();
    return memory;
}

void read_empty_pipe(std::string_view) {
    const Pipe pipe = need(make_pipe(), "pipe");
    std::array<std::byte, 1> byte;
    shared().enters = true;
    (void)sys_read(pipe.reader.fd(), byte);
}

void wait_on_futex(std::string_view) {
    shared().enters = true;
    futex_wait(&shared().word, 0);
}

void sleep_long(std::string_view) {
    const abi::TimeSpec request{.tv_sec = std::int64_t{1} << 60, .tv_nsec = 0};
    shared().enters = true;
    (void)sys_nanosleep(request);
}

// For a child that ends when its parent has.
void wait_for_own_child(std::string_view) {
    Pipe pipe = need(make_pipe(), "pipe");
    const std::uint32_t child = need(fork_process(), "fork");
    if (child == 0) {
        pipe.writer.reset();
        std::array<std::byte, 1> byte;
        (void)sys_read(pipe.reader.fd(), byte);
        exit_now(0);
    }
    shared().enters = true;
    (void)wait_for_child(child, 0);
}

void open_of_slow_scheme(std::string_view) {
    const std::string path = concat("/scheme/", kScheme, "/cancellable");
    shared().enters = true;
    (void)open_file(path, abi::OpenFlags::kRdonly);
}

void read_host_file(std::string_view path) {
    const UniqueFd file = need(open_file(path, abi::OpenFlags::kRdonly), path);
    std::array<std::byte, 1> byte;
    (void)sys_read(file.fd(), byte);
}

struct Kind {
    std::string_view name;
    void (*block)(std::string_view name);
};
constexpr Kind kKinds[] = {
    {"pipe", read_empty_pipe},    {"futex", wait_on_futex},        {"sleep", sleep_long},
    {"wait", wait_for_own_child}, {"scheme", open_of_slow_scheme},
};

Kind kind_called(std::string_view name) {
    for (const Kind& kind : kKinds)
        if (kind.name == name) return kind;
    check(name.starts_with('/'), "a kind");
    return {name, read_host_file};
}

// Whether the kernel says that a process waits: a line "PID: NAME", and below it for what.
bool waits(std::uint32_t pid) {
    const UniqueFd file = need(open_file("/scheme/sys/block", abi::OpenFlags::kRdonly), "open block");
    std::array<char, 8192> text;
    const std::size_t size = need(sys_read(file.fd(), std::as_writable_bytes(std::span(text))), "read block");
    check(size < text.size(), "few processes");
    const std::string_view rows = std::string_view(text.data(), size);
    const std::size_t row = rows.find(concat('\n', pid, ": "));
    if (row == rows.npos) return false;
    const std::size_t end = rows.find('\n', row + 1);
    return rows.substr(end + 1).starts_with(' ');
}

void await_blocked(const Kind& kind, std::uint32_t pid) {
    if (kind.block == read_host_file) {
        std::array<std::byte, 1> byte;
        check(need(sys_read(Fd::kStdin, byte), "read") == 1, "a read begins");
        return;
    }
    const abi::TimeSpec moment{.tv_sec = 0, .tv_nsec = 50'000};
    while (!shared().enters.load() || !waits(pid))
        (void)sys_nanosleep(moment);
}

// A child of this process that is blocked in a call now.
std::uint32_t blocked_child(const Kind& kind) {
    shared().enters = false;
    const std::uint32_t child = need(fork_process(), "fork");
    if (child == 0) {
        kind.block(kind.name);
        exit_now(1);
    }
    await_blocked(kind, child);
    return child;
}

void await_killed(std::uint32_t child) {
    const int status = exit_status_of(need(wait_for_child(child, 0), "wait").status);
    check(status == 128 + static_cast<int>(Signal::kKill), "the call comes back before the kill");
}

std::uint64_t real_nanoseconds() {
    constexpr std::uint64_t kSecond = 1'000'000'000;
    const abi::TimeSpec now = need(sys_clock_gettime(abi::Clock::kRealtime), "clock");
    return static_cast<std::uint64_t>(now.tv_sec) * kSecond + static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint64_t kill_one(const Kind& kind) {
    const std::uint32_t child = blocked_child(kind);
    const std::uint64_t killed = monotonic_nanoseconds();
    need(send_signal(child, Signal::kKill), "kill");
    await_killed(child);
    return (monotonic_nanoseconds() - killed) / 1000;
}

void say(std::string_view what) {
    out().print(what, '\n');
    out().flush();
}

void await_line() {
    std::array<std::byte, 1> byte{};
    while (byte[0] != std::byte{'\n'})
        check(need(sys_read(Fd::kStdin, byte), "read") == 1, "a line");
}

void have_one_killed(const Kind& kind) {
    await_line();
    const std::uint32_t child = blocked_child(kind);
    say(concat("blocked ", kind.name));
    await_killed(child);
    say(concat(real_nanoseconds()));
}

void report(const Kind& kind, std::vector<std::uint64_t>& microseconds) {
    std::sort(microseconds.begin(), microseconds.end());
    const std::size_t count = microseconds.size();
    out().print(kind.name, ' ', count, ' ', microseconds[count / 2], ' ', microseconds[count * 99 / 100], ' ',
                microseconds.back(), '\n');
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    check(arguments.size() > 2 && (arguments[0] == "guest" || arguments[0] == "host"),
          "guest|host COUNT KIND…");
    const auto count = parse_unsigned(arguments[1]);
    check(count && *count > 0, "a count");
    std::vector<Kind> kinds;
    for (const std::string_view name : arguments.subspan(2))
        kinds.push_back(kind_called(name));
    const SchemeSession session = need(SchemeSession::start(kScheme), "a scheme");
    {
        const Load load;
        if (arguments[0] == "host") say("ready");
        // One of each after the other, so that all meet the same load.
        std::vector<std::vector<std::uint64_t>> measured(kinds.size());
        for (std::uint64_t round = 0; round < *count; ++round) {
            for (std::size_t i = 0; i < kinds.size(); ++i) {
                if (arguments[0] == "host")
                    have_one_killed(kinds[i]);
                else
                    measured[i].push_back(kill_one(kinds[i]));
            }
        }
        for (std::size_t i = 0; i < kinds.size() && arguments[0] == "guest"; ++i)
            report(kinds[i], measured[i]);
    }
    session.stop();
    return passed();
}

}  // namespace halfcell::userland
