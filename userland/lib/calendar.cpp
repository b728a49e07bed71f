#include "userland/lib/calendar.h"

#include "userland/lib/number.h"

namespace halfcell::userland {
namespace {

constexpr std::int64_t kDaySeconds = 86400;
constexpr std::string_view kWeekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                          "Thursday", "Friday", "Saturday"};
constexpr std::string_view kMonths[] = {"January",   "February", "March",    "April",
                                        "May",       "June",     "July",     "August",
                                        "September", "October",  "November", "December"};

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
    return a / b - (a % b < 0 ? 1 : 0);
}

bool is_leap(std::int64_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

// Days since 1970-01-01 of a proleptic Gregorian date, with years that begin in March.
std::int64_t days_from_civil(std::int64_t year, int month, int day) {
    year -= month <= 2 ? 1 : 0;
    const std::int64_t era = floor_divide(year, 400);
    const std::int64_t year_of_era = year - era * 400;
    const std::int64_t month_index = month > 2 ? month - 3 : month + 9;
    const std::int64_t day_of_year = (153 * month_index + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

// The ISO 8601 week and the year it belongs to.
struct IsoWeek {
    std::int64_t year;
    int week;
};

IsoWeek iso_week(const CalendarTime& time) {
    const int weekday = time.weekday == 0 ? 7 : time.weekday;
    const int week = (time.day_of_year - weekday + 10) / 7;
    const auto weeks_in = [](std::int64_t year) {
        const std::int64_t january_first = floor_divide(from_calendar(year, 1, 1, 0, 0, 0), kDaySeconds);
        const std::int64_t weekday_of_it = ((january_first + 4) % 7 + 7) % 7;
        return weekday_of_it == 4 || (weekday_of_it == 3 && is_leap(year)) ? 53 : 52;
    };
    if (week < 1) return {time.year - 1, weeks_in(time.year - 1)};
    if (week > weeks_in(time.year)) return {time.year + 1, 1};
    return {time.year, week};
}

class TimeFormatter {
  public:
    TimeFormatter(std::int64_t seconds, std::uint32_t nanoseconds)
        : time_(to_calendar(seconds)), seconds_(seconds), nanoseconds_(nanoseconds) {}

    std::string format(std::string_view format) {
        std::string text;
        for (std::size_t at = 0; at < format.size(); ++at) {
            if (format[at] != '%' || at + 1 == format.size()) {
                text.push_back(format[at]);
                continue;
            }
            const std::size_t begin = at++;
            flag_ = 0;
            upper_ = false;
            while (at + 1 < format.size() &&
                   std::string_view("-_0^").find(format[at]) != std::string_view::npos) {
                if (format[at] == '^') {
                    upper_ = true;
                } else {
                    flag_ = format[at];
                }
                ++at;
            }
            std::size_t width = 0;
            while (at + 1 < format.size() && format[at] >= '0' && format[at] <= '9') {
                width = width * 10 + static_cast<std::size_t>(format[at++] - '0');
            }
            std::string part;
            if (!conversion(format[at], width, part)) part = format.substr(begin, at - begin + 1);
            if (upper_) {
                for (char& c : part)
                    c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
            }
            text.append(part);
        }
        return text;
    }

  private:
    std::string number(std::int64_t value, std::size_t width, char fill = '0') const {
        if (flag_ == '-') width = 0;
        if (flag_ == '_') fill = ' ';
        if (flag_ == '0') fill = '0';
        if (value < 0) return "-" + pad_left(decimal(static_cast<std::uint64_t>(-value)), width, fill);
        return pad_left(decimal(static_cast<std::uint64_t>(value)), width, fill);
    }
    std::string nested(std::string_view nested_format) const {
        return TimeFormatter(seconds_, nanoseconds_).format(nested_format);
    }
    int hour_of_twelve() const { return time_.hour % 12 == 0 ? 12 : time_.hour % 12; }
    std::string_view weekday() const { return kWeekdays[time_.weekday]; }
    std::string_view month() const { return kMonths[time_.month - 1]; }

    bool conversion(char letter, std::size_t width, std::string& part) const {
        return date_conversion(letter, part) || time_conversion(letter, width, part) ||
               week_conversion(letter, part);
    }

    bool date_conversion(char letter, std::string& part) const {
        switch (letter) {
            case 'Y':
                part = number(time_.year, 1);
                return true;
            case 'C':
                part = number(time_.year / 100, 2);
                return true;
            case 'y':
                part = number(time_.year % 100, 2);
                return true;
            case 'm':
                part = number(time_.month, 2);
                return true;
            case 'd':
                part = number(time_.day, 2);
                return true;
            case 'e':
                part = number(time_.day, 2, ' ');
                return true;
            case 'j':
                part = number(time_.day_of_year, 3);
                return true;
            case 'a':
                part = weekday().substr(0, 3);
                return true;
            case 'A':
                part = weekday();
                return true;
            case 'b':
            case 'h':
                part = month().substr(0, 3);
                return true;
            case 'B':
                part = month();
                return true;
            case 'F':
                part = nested("%Y-%m-%d");
                return true;
            case 'D':
            case 'x':
                part = nested("%m/%d/%y");
                return true;
            case 'c':
                part = nested("%a %b %e %H:%M:%S %Y");
                return true;
            default:
                return false;
        }
    }

    bool time_conversion(char letter, std::size_t width, std::string& part) const {
        switch (letter) {
            case 'H':
                part = number(time_.hour, 2);
                return true;
            case 'k':
                part = number(time_.hour, 2, ' ');
                return true;
            case 'I':
                part = number(hour_of_twelve(), 2);
                return true;
            case 'l':
                part = number(hour_of_twelve(), 2, ' ');
                return true;
            case 'M':
                part = number(time_.minute, 2);
                return true;
            case 'S':
                part = number(time_.second, 2);
                return true;
            case 's':
                part = number(seconds_, 1);
                return true;
            case 'N':
                part = pad_left(decimal(nanoseconds_), 9, '0').substr(0, width == 0 || width > 9 ? 9 : width);
                return true;
            case 'p':
                part = time_.hour < 12 ? "AM" : "PM";
                return true;
            case 'P':
                part = time_.hour < 12 ? "am" : "pm";
                return true;
            case 'T':
            case 'X':
                part = nested("%H:%M:%S");
                return true;
            case 'R':
                part = nested("%H:%M");
                return true;
            case 'r':
                part = nested("%I:%M:%S %p");
                return true;
            case 'z':
                part = "+0000";
                return true;
            case 'Z':
                part = "UTC";
                return true;
            default:
                return false;
        }
    }

    bool week_conversion(char letter, std::string& part) const {
        switch (letter) {
            case 'u':
                part = number(time_.weekday == 0 ? 7 : time_.weekday, 1);
                return true;
            case 'w':
                part = number(time_.weekday, 1);
                return true;
            case 'U':
                part = number((time_.day_of_year + 6 - time_.weekday) / 7, 2);
                return true;
            case 'W':
                part = number((time_.day_of_year + 6 - (time_.weekday + 6) % 7) / 7, 2);
                return true;
            case 'V':
                part = number(iso_week(time_).week, 2);
                return true;
            case 'G':
                part = number(iso_week(time_).year, 1);
                return true;
            case 'n':
                part = "\n";
                return true;
            case 't':
                part = "\t";
                return true;
            case '%':
                part = "%";
                return true;
            default:
                return false;
        }
    }

    CalendarTime time_;
    std::int64_t seconds_;
    std::uint32_t nanoseconds_;
    char flag_ = 0;
    bool upper_ = false;
};

// Takes exactly `digits` digits from the front; -1 where they are not there.
int take_number(std::string_view& text, std::size_t digits) {
    const auto value = parse_unsigned(text.substr(0, digits));
    if (text.size() < digits || !value) return -1;
    text.remove_prefix(digits);
    return static_cast<int>(*value);
}

bool take(std::string_view& text, char expected) {
    if (!text.starts_with(expected)) return false;
    text.remove_prefix(1);
    return true;
}

// ".123" as nanoseconds; nothing where `text` is not a fraction.
std::optional<std::uint32_t> parse_fraction(std::string_view text) {
    if (text.empty() || text.size() > 9) return {};
    const auto value = parse_unsigned(text);
    if (!value) return {};
    std::uint64_t scaled = *value;
    for (std::size_t i = text.size(); i < 9; ++i)
        scaled *= 10;
    return static_cast<std::uint32_t>(scaled);
}

bool valid_date(int month, int day) {
    return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}
bool valid_time(int hour, int minute, int second) {
    return hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59 && second >= 0 && second <= 60;
}

std::optional<PointInTime> parse_seconds(std::string_view text) {
    const std::size_t point = text.find('.');
    const auto seconds = parse_signed(text.substr(0, point));
    if (!seconds) return {};
    if (point == std::string_view::npos) return PointInTime{*seconds, 0};
    const auto fraction = parse_fraction(text.substr(point + 1));
    if (!fraction) return {};
    return PointInTime{*seconds, *fraction};
}

}  // namespace

CalendarTime to_calendar(std::int64_t seconds) {
    const std::int64_t days = floor_divide(seconds, kDaySeconds);
    const auto rest = static_cast<int>(seconds - days * kDaySeconds);
    const std::int64_t shifted = days + 719468;
    const std::int64_t era = floor_divide(shifted, 146097);
    const std::int64_t day_of_era = shifted - era * 146097;
    const std::int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const std::int64_t march_day = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int64_t march_month = (5 * march_day + 2) / 153;
    CalendarTime time{};
    time.day = static_cast<int>(march_day - (153 * march_month + 2) / 5 + 1);
    time.month = static_cast<int>(march_month < 10 ? march_month + 3 : march_month - 9);
    time.year = year_of_era + era * 400 + (time.month <= 2 ? 1 : 0);
    time.hour = rest / 3600;
    time.minute = rest / 60 % 60;
    time.second = rest % 60;
    time.weekday = static_cast<int>(((days + 4) % 7 + 7) % 7);
    time.day_of_year = static_cast<int>(days - days_from_civil(time.year, 1, 1) + 1);
    return time;
}

std::int64_t from_calendar(std::int64_t year, int month, int day, int hour, int minute, int second) {
    return days_from_civil(year, month, day) * kDaySeconds + hour * 3600 + minute * 60 + second;
}

std::string format_time(std::string_view format, std::int64_t seconds, std::uint32_t nanoseconds) {
    return TimeFormatter(seconds, nanoseconds).format(format);
}

std::optional<PointInTime> parse_date(std::string_view text, PointInTime now) {
    if (text == "now" || text.empty()) return now;
    if (text == "today") return now;
    if (text == "yesterday") return PointInTime{now.seconds - kDaySeconds, now.nanoseconds};
    if (text == "tomorrow") return PointInTime{now.seconds + kDaySeconds, now.nanoseconds};
    if (take(text, '@')) return parse_seconds(text);
    const int year = take_number(text, 4);
    if (year < 0 || !take(text, '-')) return {};
    const int month = take_number(text, 2);
    if (!take(text, '-')) return {};
    const int day = take_number(text, 2);
    int hour = 0;
    int minute = 0;
    int second = 0;
    std::uint32_t nanoseconds = 0;
    if (take(text, ' ') || take(text, 'T')) {
        hour = take_number(text, 2);
        if (!take(text, ':')) return {};
        minute = take_number(text, 2);
        if (take(text, ':')) second = take_number(text, 2);
        if (take(text, '.')) {
            std::size_t digits = 0;
            while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9')
                ++digits;
            const auto fraction = parse_fraction(text.substr(0, digits));
            if (!fraction) return {};
            nanoseconds = *fraction;
            text.remove_prefix(digits);
        }
        (void)take(text, ' ');
        if (text == "Z" || text == "UTC" || text == "+0000") text = {};
    }
    if (!text.empty() || !valid_date(month, day) || !valid_time(hour, minute, second)) return {};
    return PointInTime{from_calendar(year, month, day, hour, minute, second), nanoseconds};
}

std::optional<PointInTime> parse_touch_stamp(std::string_view text, PointInTime now) {
    int second = 0;
    if (const std::size_t point = text.find('.'); point != std::string_view::npos) {
        std::string_view rest = text.substr(point + 1);
        second = take_number(rest, 2);
        if (!rest.empty()) return {};
        text = text.substr(0, point);
    }
    std::int64_t year = to_calendar(now.seconds).year;
    if (text.size() == 12) {
        year = take_number(text, 4);
    } else if (text.size() == 10) {
        const int short_year = take_number(text, 2);
        year = short_year < 69 ? 2000 + short_year : 1900 + short_year;
    }
    if (text.size() != 8) return {};
    const int month = take_number(text, 2);
    const int day = take_number(text, 2);
    const int hour = take_number(text, 2);
    const int minute = take_number(text, 2);
    if (year < 0 || !valid_date(month, day) || !valid_time(hour, minute, second)) return {};
    return PointInTime{from_calendar(year, month, day, hour, minute, second), 0};
}

}  // namespace halfcell::userland
