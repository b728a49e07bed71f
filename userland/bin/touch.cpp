// touch: sets the times of files, which it makes where they are missing.

#include "userland/lib/calendar.h"
#include "userland/lib/tool.h"
#include "userland/rt/file.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'a', "", Value::kNone, "", "only the access time"},
    {'c', "no-create", Value::kNone, "", "make no file"},
    {'d', "date", Value::kRequired, "STRING", "that time instead of now: @SECONDS or YYYY-MM-DD HH:MM:SS"},
    {'f', "", Value::kNone, "", "ignored"},
    {'h', "no-dereference", Value::kNone, "", "a symbolic link itself, not what it points to"},
    {'m', "", Value::kNone, "", "only the modification time"},
    {'r', "reference", Value::kRequired, "FILE", "the times of FILE instead of now"},
    {'t', "", Value::kRequired, "STAMP", "that time: [[CC]YY]MMDDhhmm[.ss]"},
};
constexpr Usage kUsage{
    "touch", "[OPTION]... FILE...",
    "Sets the access and modification time of each FILE to now. Missing files are made, empty.", kOptions};

// Now is the clock's time, not libc's UTIME_NOW: redoxfs and ramfs take that word for a time.
struct Times {
    abi::TimeSpec access;
    abi::TimeSpec modification;
    bool now = true;
};

abi::TimeSpec time_spec(const PointInTime& time) {
    return {time.seconds, static_cast<std::int32_t>(time.nanoseconds)};
}

Times read_times(const CommandLine& line) {
    const Result<abi::TimeSpec> clock = sys_clock_gettime(abi::Clock::kRealtime);
    const PointInTime now =
        clock ? PointInTime{clock->tv_sec, static_cast<std::uint32_t>(clock->tv_nsec)} : PointInTime{0, 0};
    Times times{time_spec(now), time_spec(now)};
    for (const GivenOption& option : line.options) {
        times.now = times.now && option.id != 'd' && option.id != 't' && option.id != 'r';
        if (option.id == 'd' || option.id == 't') {
            const auto time =
                option.id == 'd' ? parse_date(option.value, now) : parse_touch_stamp(option.value, now);
            if (!time) give_up(1, "invalid date format ", quoted(option.value));
            times.access = times.modification = time_spec(*time);
        } else if (option.id == 'r') {
            const Result<abi::Stat> stat = stat_file(option.value);
            if (!stat) {
                give_up(1, "failed to get attributes of ", quoted(option.value), ": ",
                        error_sentence(stat.error()));
            }
            times.access = time_spec({static_cast<std::int64_t>(stat->st_atime_sec), stat->st_atime_nsec});
            times.modification =
                time_spec({static_cast<std::int64_t>(stat->st_mtime_sec), stat->st_mtime_nsec});
        }
    }
    if (line.has('a') && !line.has('m')) times.modification.tv_nsec = kTimeOmit;
    if (line.has('m') && !line.has('a')) times.access.tv_nsec = kTimeOmit;
    return times;
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    check_operand_count(line, 1);
    const Times times = read_times(line);
    const FollowLinks follow = line.has('h') ? FollowLinks::kNo : FollowLinks::kYes;
    for (const std::string_view path : line.operands) {
        Result<void> result = set_file_times(path, times.access, times.modification, follow);
        if (!result && result.error() == Errno::kENOENT) {
            if (line.has('c') || line.has('h')) continue;
            const Result<UniqueFd> file =
                open_file(path, abi::OpenFlags::kWronly | abi::OpenFlags::kCreat | abi::OpenFlags::kCloexec);
            if (!file) {
                result = file.error();
            } else {
                result = times.now ? Result<void>() : set_file_times(path, times.access, times.modification);
            }
        }
        if (!result) complain("cannot touch ", quoted(path), ": ", error_sentence(result.error()));
    }
    return tool_status();
}

}  // namespace halfcell::userland
