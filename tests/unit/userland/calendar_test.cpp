#include "userland/lib/calendar.h"

#include <doctest/doctest.h>

#include <ctime>

using namespace halfcell::userland;

TEST_CASE("times break down and format as the host's strftime says") {
    constexpr const char* kFormat =
        "%Y %m %d %H %M %S %y %C %j %a %A %b %B %e %u %w %U %W %V %G %I %p %F %T %D %R %r %c";
    for (std::int64_t seconds = -5'000'000'000; seconds < 8'000'000'000; seconds += 7'654'321) {
        const std::time_t time = seconds;
        std::tm parts{};
        REQUIRE(gmtime_r(&time, &parts) != nullptr);
        char expected[512];
        REQUIRE(std::strftime(expected, sizeof(expected), kFormat, &parts) > 0);
        REQUIRE(format_time(kFormat, seconds, 0) == expected);
        const CalendarTime calendar = to_calendar(seconds);
        REQUIRE(from_calendar(calendar.year, calendar.month, calendar.day, calendar.hour, calendar.minute,
                              calendar.second) == seconds);
    }
}

TEST_CASE("flags of formats") {
    CHECK(format_time("%-d %_m %^a %N %3N %s %%", 5, 7000000) == "1  1 THU 007000000 007 5 %");
    CHECK(format_time("%Q%", 0, 0) == "%Q%");
}

TEST_CASE("dates are read") {
    const PointInTime now{1'000'000'000, 5};
    const auto seconds = [&now](std::string_view text) {
        const auto time = parse_date(text, now);
        return time ? time->seconds : -1;
    };
    CHECK(seconds("@12") == 12);
    CHECK(seconds("2001-09-09 01:46:40") == 1'000'000'000);
    CHECK(seconds("2001-09-09T01:46:40Z") == 1'000'000'000);
    CHECK(seconds("1970-01-02") == 86400);
    CHECK(seconds("yesterday") == 1'000'000'000 - 86400);
    CHECK(parse_date("@1.5", now)->nanoseconds == 500'000'000);
    CHECK(seconds("2001-13-01") == -1);
    CHECK(seconds("nonsense") == -1);
    CHECK(seconds("2001-01-01 25:00") == -1);
    CHECK(parse_touch_stamp("200109090146.40", now)->seconds == 1'000'000'000);
    CHECK(parse_touch_stamp("0109090146", now)->seconds == 999'999'960);
    CHECK(parse_touch_stamp("09090146", now)->seconds == 999'999'960);
    CHECK_FALSE(parse_touch_stamp("9", now));
}
