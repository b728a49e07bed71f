// sleep: waits.

#include "userland/lib/number.h"
#include "userland/lib/tool.h"

namespace halfcell::userland {
namespace {

constexpr Usage kUsage{
    "sleep",
    "NUMBER[smhd]...",
    "Waits for the sum of the times: seconds, or minutes, hours, days; fractions are fine.",
    {}};

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    check_operand_count(line, 1);
    std::uint64_t total = 0;
    for (const std::string_view text : line.operands) {
        const auto duration = parse_duration(text);
        if (!duration) usage_error(concat("invalid time interval '", text, "'"));
        if (__builtin_add_overflow(total, *duration, &total)) total = ~std::uint64_t{0};
    }
    constexpr std::uint64_t kSecond = 1'000'000'000;
    const Result<abi::TimeSpec> start = sys_clock_gettime(abi::Clock::kMonotonic);
    if (!start) give_up(1, "cannot read the clock: ", error_sentence(start.error()));
    // A sleep may end early when a signal arrives: the rest is slept again.
    for (;;) {
        const Result<abi::TimeSpec> now = sys_clock_gettime(abi::Clock::kMonotonic);
        if (!now) return 1;
        const auto passed =
            static_cast<std::uint64_t>((now->tv_sec - start->tv_sec) * static_cast<std::int64_t>(kSecond) +
                                       now->tv_nsec - start->tv_nsec);
        if (passed >= total) return 0;
        const std::uint64_t left = total - passed;
        const Result<void> slept = sys_nanosleep(
            {static_cast<std::int64_t>(left / kSecond), static_cast<std::int32_t>(left % kSecond)});
        if (!slept && slept.error() != Errno::kEINTR)
            give_up(1, "cannot sleep: ", error_sentence(slept.error()));
    }
}

}  // namespace halfcell::userland
