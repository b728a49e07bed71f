#include "userland/lib/number.h"

#include <algorithm>

namespace halfcell::userland {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

std::optional<std::uint64_t> multiply(std::uint64_t a, std::uint64_t b) {
    std::uint64_t product = 0;
    if (__builtin_mul_overflow(a, b, &product)) return {};
    return product;
}

std::optional<std::uint64_t> suffix_factor(std::string_view suffix) {
    if (suffix.empty() || suffix == "c") return 1;
    if (suffix == "b") return 512;
    if (suffix == "w") return 2;
    constexpr std::string_view kUnits = "KMGTPE";
    const char letter = suffix[0] == 'k' ? 'K' : suffix[0];
    const std::size_t power = kUnits.find(letter);
    if (power == std::string_view::npos) return {};
    const std::string_view rest = suffix.substr(1);
    if (!rest.empty() && rest != "B" && rest != "iB") return {};
    std::uint64_t factor = 1;
    for (std::size_t i = 0; i <= power; ++i)
        factor *= rest == "B" ? 1000 : 1024;
    return factor;
}

// One number with its suffix, no 'x'.
std::optional<std::uint64_t> parse_simple_size(std::string_view text) {
    const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
    const std::optional<std::uint64_t> number = parse_unsigned(text.substr(0, end));
    const std::optional<std::uint64_t> factor = suffix_factor(text.substr(end));
    if (!number || !factor) return {};
    return multiply(*number, *factor);
}

// The pieces of a number at the start of a text.
struct NumberText {
    bool negative = false;
    std::string_view whole;     // Without leading zeros.
    std::string_view fraction;  // Without trailing zeros.
    char unit = 0;
    bool zero() const { return whole.empty() && fraction.empty(); }
};

NumberText split_number(std::string_view text) {
    NumberText number;
    std::size_t at = std::min(text.find_first_not_of(" \t"), text.size());
    if (at < text.size() && text[at] == '-') {
        number.negative = true;
        ++at;
    }
    while (at < text.size() && text[at] == '0')
        ++at;
    const std::size_t whole = at;
    while (at < text.size() && is_digit(text[at]))
        ++at;
    number.whole = text.substr(whole, at - whole);
    if (at < text.size() && text[at] == '.') {
        const std::size_t fraction = ++at;
        while (at < text.size() && is_digit(text[at]))
            ++at;
        number.fraction = text.substr(fraction, at - fraction);
        while (number.fraction.ends_with('0'))
            number.fraction.remove_suffix(1);
    }
    if (at < text.size()) number.unit = text[at];
    return number;
}

int compare_split(const NumberText& a, const NumberText& b) {
    if (a.zero() && b.zero()) return 0;
    const bool a_negative = a.negative && !a.zero();
    const bool b_negative = b.negative && !b.zero();
    if (a_negative != b_negative) return a_negative ? -1 : 1;
    int order = 0;
    if (a.whole.size() != b.whole.size()) {
        order = a.whole.size() < b.whole.size() ? -1 : 1;
    } else if (order = a.whole.compare(b.whole); order == 0) {
        order = a.fraction.compare(b.fraction);
    }
    return a_negative ? -order : order;
}

std::size_t unit_rank(char unit) {
    constexpr std::string_view kUnits = "KMGTPEZY";
    const std::size_t rank = kUnits.find(unit == 'k' ? 'K' : unit);
    return unit == 0 || rank == std::string_view::npos ? 0 : rank + 1;
}

}  // namespace

std::optional<std::uint64_t> parse_base(std::string_view text, unsigned base) {
    if (text.empty()) return {};
    std::uint64_t value = 0;
    for (const char c : text) {
        unsigned digit = 99;
        if (is_digit(c)) digit = static_cast<unsigned>(c - '0');
        if (c >= 'a' && c <= 'z') digit = static_cast<unsigned>(c - 'a' + 10);
        if (c >= 'A' && c <= 'Z') digit = static_cast<unsigned>(c - 'A' + 10);
        if (digit >= base) return {};
        if (__builtin_mul_overflow(value, std::uint64_t{base}, &value)) return {};
        if (__builtin_add_overflow(value, std::uint64_t{digit}, &value)) return {};
    }
    return value;
}

std::optional<std::uint64_t> parse_unsigned(std::string_view text) {
    return parse_base(text, 10);
}

std::optional<std::uint32_t> parse_octal(std::string_view text) {
    const std::optional<std::uint64_t> value = parse_base(text, 8);
    if (!value || *value > 0xFFFF'FFFF) return {};
    return static_cast<std::uint32_t>(*value);
}

std::optional<std::int64_t> parse_signed(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    const std::optional<std::uint64_t> value = parse_unsigned(text);
    constexpr std::uint64_t kLimit = std::uint64_t{1} << 63;
    if (!value || *value > kLimit || (*value == kLimit && !negative)) return {};
    return static_cast<std::int64_t>(negative ? ~*value + 1 : *value);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    std::uint64_t product = 1;
    for (;;) {
        const std::size_t cross = text.find('x');
        const std::optional<std::uint64_t> factor = parse_simple_size(text.substr(0, cross));
        const std::optional<std::uint64_t> next = factor ? multiply(product, *factor) : std::nullopt;
        if (!next) return {};
        product = *next;
        if (cross == std::string_view::npos) return product;
        text.remove_prefix(cross + 1);
    }
}

std::optional<std::uint64_t> parse_duration(std::string_view text) {
    std::uint64_t unit = 1'000'000'000;
    constexpr std::uint64_t kForever = std::uint64_t{1} << 62;
    if (!text.empty() && !is_digit(text.back()) && text.back() != '.') {
        switch (text.back()) {
            case 's':
                break;
            case 'm':
                unit *= 60;
                break;
            case 'h':
                unit *= 3600;
                break;
            case 'd':
                unit *= 86400;
                break;
            default:
                return {};
        }
        text.remove_suffix(1);
    }
    const std::size_t point = text.find('.');
    const std::string_view whole = text.substr(0, point);
    const std::string_view fraction = point == std::string_view::npos ? "" : text.substr(point + 1);
    if (whole.empty() && fraction.empty()) return {};
    if (whole.find_first_not_of("0123456789") != std::string_view::npos ||
        fraction.find_first_not_of("0123456789") != std::string_view::npos)
        return {};
    std::uint64_t total = 0;
    if (!whole.empty()) {
        const std::optional<std::uint64_t> seconds = parse_unsigned(whole);
        const std::optional<std::uint64_t> part = seconds ? multiply(*seconds, unit) : std::nullopt;
        if (!part || *part > kForever) return kForever;
        total = *part;
    }
    std::uint64_t weight = unit;
    for (const char digit : fraction) {
        weight /= 10;
        total += weight * static_cast<std::uint64_t>(digit - '0');
    }
    return total;
}

std::string human_size(std::uint64_t bytes, unsigned base) {
    constexpr std::string_view kUnits = "KMGTPE";
    if (bytes < base) return decimal(bytes);
    std::uint64_t scale = base;
    std::size_t unit = 0;
    const auto ceiling = [bytes](std::uint64_t divisor) {
        return bytes / divisor + (bytes % divisor != 0 ? 1 : 0);
    };
    while (ceiling(scale) >= base && unit + 1 < kUnits.size()) {
        scale *= base;
        ++unit;
    }
    const std::uint64_t tenths = bytes / scale * 10 + (bytes % scale * 10 + scale - 1) / scale;
    std::string text =
        tenths < 100 ? decimal(tenths / 10) + "." + decimal(tenths % 10) : decimal(ceiling(scale));
    text.push_back(kUnits[unit]);
    return text;
}

std::string pad_left(std::string_view text, std::size_t width, char fill) {
    std::string result(text.size() < width ? width - text.size() : 0, fill);
    return result.append(text);
}

std::string pad_right(std::string_view text, std::size_t width) {
    std::string result(text);
    if (result.size() < width) result.append(width - result.size(), ' ');
    return result;
}

std::string decimal(std::uint64_t value) {
    return in_base(value, 10);
}

std::string in_base(std::uint64_t value, unsigned base, std::size_t width, bool upper) {
    std::string digits;
    do {
        const auto digit = static_cast<unsigned>(value % base);
        digits.push_back(static_cast<char>(digit < 10 ? '0' + digit : (upper ? 'A' : 'a') + digit - 10));
        value /= base;
    } while (value != 0);
    while (digits.size() < width)
        digits.push_back('0');
    std::reverse(digits.begin(), digits.end());
    return digits;
}

std::optional<Decimal> parse_decimal(std::string_view text) {
    Decimal result;
    const std::size_t point = text.find('.');
    std::string digits(text.substr(0, point));
    if (point != std::string_view::npos) {
        const std::string_view fraction = text.substr(point + 1);
        if (digits.empty() || digits == "-" || digits == "+") digits.push_back('0');
        digits.append(fraction);
        result.scale = static_cast<unsigned>(fraction.size());
    }
    const std::optional<std::int64_t> mantissa = parse_signed(digits);
    if (!mantissa || result.scale > 17) return {};
    result.mantissa = *mantissa;
    return result;
}

std::optional<std::int64_t> rescale(const Decimal& value, unsigned scale) {
    std::int64_t mantissa = value.mantissa;
    for (unsigned i = value.scale; i < scale; ++i) {
        if (__builtin_mul_overflow(mantissa, std::int64_t{10}, &mantissa)) return {};
    }
    return mantissa;
}

std::string format_decimal(const Decimal& value) {
    const bool negative = value.mantissa < 0;
    const auto magnitude = static_cast<std::uint64_t>(value.mantissa);
    std::string digits = in_base(negative ? ~magnitude + 1 : magnitude, 10, value.scale + 1);
    if (value.scale > 0) digits.insert(digits.size() - value.scale, ".");
    return negative ? "-" + digits : digits;
}

int compare_numbers(std::string_view left, std::string_view right) {
    return compare_split(split_number(left), split_number(right));
}

int compare_human_numbers(std::string_view left, std::string_view right) {
    const NumberText a = split_number(left);
    const NumberText b = split_number(right);
    const int a_sign = a.zero() ? 0 : (a.negative ? -1 : 1);
    const int b_sign = b.zero() ? 0 : (b.negative ? -1 : 1);
    if (a_sign != b_sign) return a_sign < b_sign ? -1 : 1;
    if (a_sign == 0) return 0;
    const std::size_t a_rank = unit_rank(a.unit);
    const std::size_t b_rank = unit_rank(b.unit);
    if (a_rank != b_rank) return (a_rank < b_rank ? -1 : 1) * a_sign;
    return compare_split(a, b);
}

int compare_versions(std::string_view left, std::string_view right) {
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < left.size() && j < right.size()) {
        if (is_digit(left[i]) && is_digit(right[j])) {
            const std::size_t i_end = std::min(left.find_first_not_of("0123456789", i), left.size());
            const std::size_t j_end = std::min(right.find_first_not_of("0123456789", j), right.size());
            const int order = compare_numbers(left.substr(i, i_end - i), right.substr(j, j_end - j));
            if (order != 0) return order;
            i = i_end;
            j = j_end;
            continue;
        }
        if (left[i] != right[j]) {
            return static_cast<unsigned char>(left[i]) < static_cast<unsigned char>(right[j]) ? -1 : 1;
        }
        ++i;
        ++j;
    }
    if (i == left.size() && j == right.size()) return left.compare(right);
    return i == left.size() ? -1 : 1;
}

}  // namespace halfcell::userland
