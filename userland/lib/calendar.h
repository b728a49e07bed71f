#pragma once

// Dates in UTC, the only zone a guest knows. Pure; tested on the host.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace halfcell::userland {

struct CalendarTime {
    std::int64_t year;
    int month;  // 1 … 12
    int day;    // 1 … 31
    int hour;
    int minute;
    int second;
    int weekday;      // 0 is Sunday
    int day_of_year;  // 1 … 366
};

CalendarTime to_calendar(std::int64_t seconds);
// Seconds since 1970; months and days are taken as they are, unchecked.
std::int64_t from_calendar(std::int64_t year, int month, int day, int hour, int minute, int second);

// date's FORMAT: %Y %m %d %H %M %S %s %N %F %T %D %R %a %A %b %B %e %j %u %w %y %C %I %l %k %p %r %c %x %X %z
// %Z %n %t %h %G %V %U %W %%, with the flags '-' (no padding), '_' (blanks), '0', '^' (upper case).
std::string format_time(std::string_view format, std::int64_t seconds, std::uint32_t nanoseconds);

struct PointInTime {
    std::int64_t seconds;
    std::uint32_t nanoseconds;
};

// "@SECONDS[.FRACTION]", "YYYY-MM-DD", "YYYY-MM-DD HH:MM[:SS[.FRACTION]]" (or with T, a final Z or "UTC"
// allowed), "now", "today", "yesterday", "tomorrow".
std::optional<PointInTime> parse_date(std::string_view text, PointInTime now);

// touch -t's [[CC]YY]MMDDhhmm[.ss].
std::optional<PointInTime> parse_touch_stamp(std::string_view text, PointInTime now);

}  // namespace halfcell::userland
