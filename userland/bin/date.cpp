// date: prints a point in time.

#include "userland/lib/calendar.h"
#include "userland/lib/tool.h"
#include "userland/rt/file.h"

namespace halfcell::userland {
namespace {

constexpr int kRfc3339 = kLongOnly;
constexpr Option kOptions[] = {
    {'d', "date", Value::kRequired, "STRING",
     "that time instead of now: @SECONDS, YYYY-MM-DD HH:MM:SS, yesterday"},
    {'I', "iso-8601", Value::kOptional, "FMT", "ISO 8601: date (default), hours, minutes, seconds, ns"},
    {'r', "reference", Value::kRequired, "FILE", "the time FILE was last modified"},
    {'R', "rfc-email", Value::kNone, "", "as in mail headers"},
    {kRfc3339, "rfc-3339", Value::kRequired, "FMT", "date, seconds or ns"},
    {'u', "utc", Value::kNone, "", "UTC, which is the only zone there is"},
};
constexpr Usage kUsage{"date", "[OPTION]... [+FORMAT]",
                       "Prints the time now, or as +FORMAT says: %Y %m %d %H %M %S %N %s %F %T %a %b %j %Z …",
                       kOptions};

std::string_view iso_format(std::string_view precision) {
    if (precision.empty() || precision == "date") return "%Y-%m-%d";
    if (precision == "hours") return "%Y-%m-%dT%H+00:00";
    if (precision == "minutes") return "%Y-%m-%dT%H:%M+00:00";
    if (precision == "seconds") return "%Y-%m-%dT%H:%M:%S+00:00";
    if (precision == "ns") return "%Y-%m-%dT%H:%M:%S,%N+00:00";
    usage_error(concat("invalid argument '", precision, "' for '--iso-8601'"));
}

std::string_view rfc3339_format(std::string_view precision) {
    if (precision == "date") return "%Y-%m-%d";
    if (precision == "seconds") return "%Y-%m-%d %H:%M:%S+00:00";
    if (precision == "ns") return "%Y-%m-%d %H:%M:%S.%N+00:00";
    usage_error(concat("invalid argument '", precision, "' for '--rfc-3339'"));
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    check_operand_count(line, 0, 1);
    const Result<abi::TimeSpec> clock = sys_clock_gettime(abi::Clock::kRealtime);
    if (!clock) give_up(1, "cannot read the clock: ", error_sentence(clock.error()));
    PointInTime time{clock->tv_sec, static_cast<std::uint32_t>(clock->tv_nsec)};
    std::string_view format = "%a %b %e %H:%M:%S UTC %Y";
    for (const GivenOption& option : line.options) {
        switch (option.id) {
            case 'd': {
                const auto parsed = parse_date(option.value, time);
                if (!parsed) give_up(1, "invalid date '", option.value, "'");
                time = *parsed;
                break;
            }
            case 'r': {
                const Result<abi::Stat> stat = stat_file(option.value);
                if (!stat) give_up(1, option.value, ": ", error_sentence(stat.error()));
                time = {static_cast<std::int64_t>(stat->st_mtime_sec), stat->st_mtime_nsec};
                break;
            }
            case 'I':
                format = iso_format(option.value);
                break;
            case 'R':
                format = "%a, %d %b %Y %H:%M:%S +0000";
                break;
            case kRfc3339:
                format = rfc3339_format(option.value);
                break;
            default:
                break;
        }
    }
    if (!line.operands.empty()) {
        if (!line.operands[0].starts_with('+')) {
            give_up(1, "cannot set the date: '", line.operands[0], "': ", error_sentence(Errno::kEPERM));
        }
        format = line.operands[0].substr(1);
    }
    out().print(format_time(format, time.seconds, time.nanoseconds), '\n');
    return 0;
}

}  // namespace halfcell::userland
