// timeout: runs a command for a limited time.

#include "userland/lib/number.h"
#include "userland/lib/run_command.h"
#include "userland/lib/signal_names.h"
#include "userland/lib/tool.h"
#include "userland/rt/child.h"
#include "userland/rt/exec.h"
#include "userland/rt/signal.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'s', "signal", Value::kRequired, "SIGNAL", "send this one instead of TERM"},
    {'k', "kill-after", Value::kRequired, "TIME", "send KILL where it still runs that much later"},
};
constexpr Usage kUsage{
    "timeout",
    "[OPTION]... TIME COMMAND [ARG]...",
    "Runs COMMAND and ends it by a signal where it still runs after TIME (seconds, or with s, m, h,\n"
    "d; 0 is for ever). Status 124 then, otherwise the command's.",
    kOptions,
    125,
    Operands::kLast};

constexpr std::uint64_t kSecond = 1'000'000'000;

std::uint64_t duration(std::string_view text) {
    const auto value = parse_duration(text);
    if (!value) usage_error(concat("invalid time interval ", quoted(text)));
    return *value;
}

std::uint64_t now() {
    const Result<abi::TimeSpec> time = sys_clock_gettime(abi::Clock::kMonotonic);
    if (!time) give_up(125, "cannot read the clock: ", error_sentence(time.error()));
    return static_cast<std::uint64_t>(time->tv_sec) * kSecond + static_cast<std::uint64_t>(time->tv_nsec);
}

// Waits for the child until the deadline, 0 being none; nothing where it runs on. SIGCHLD is handled, so its
// end ends the sleep.
std::optional<std::int32_t> wait_until(std::uint32_t child, std::uint64_t deadline) {
    for (;;) {
        // Held: an end between the look and the sleep ends the sleep.
        const SignalsHeld held;
        const std::uint64_t flags = deadline == 0 ? 0 : abi::WaitFlags::kNohang;
        const Result<ChildNews> news = wait_for_child(child, flags);
        if (news && news->pid == child) return news->status;
        if (!news && news.error() != Errno::kEINTR)
            give_up(125, "cannot wait: ", error_sentence(news.error()));
        if (deadline == 0) continue;
        const std::uint64_t time = now();
        if (time >= deadline) return {};
        const std::uint64_t left = deadline - time;
        (void)sys_nanosleep(
            {static_cast<std::int64_t>(left / kSecond), static_cast<std::int32_t>(left % kSecond)});
    }
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    check_operand_count(line, 2);
    const auto signal = signal_number(line.value_of('s', "TERM"));
    if (!signal) usage_error(concat("invalid signal ", quoted(line.value_of('s'))));
    const std::uint64_t limit = duration(line.operands[0]);
    const std::uint64_t grace = line.has('k') ? duration(line.value_of('k')) : 0;
    handle_signal(Signal::kChld, [](std::uint32_t) {});
    const std::vector<std::string> command = as_words(std::span(line.operands).subspan(1));
    const Result<std::uint32_t> child = spawn_program(command, inherited_environment());
    if (!child) give_up(125, "cannot fork: ", error_sentence(child.error()));
    const std::uint64_t start = now();
    if (const auto status = wait_until(*child, limit == 0 ? 0 : start + limit))
        return exit_status_of(*status);
    (void)send_signal(*child, *signal);
    std::optional<std::int32_t> status = wait_until(*child, grace == 0 ? 0 : now() + grace);
    if (!status) {
        (void)send_signal(*child, Signal::kKill);
        status = wait_until(*child, 0);
    }
    return *signal == Signal::kKill || abi::wait_term_signal(*status) == Signal::kKill ? 137 : 124;
}

}  // namespace halfcell::userland
