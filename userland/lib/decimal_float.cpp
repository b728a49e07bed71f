#include "userland/lib/decimal_float.h"

#include <algorithm>

#include "userland/lib/number.h"

namespace halfcell::userland {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

void trim(DecimalFloat& value) {
    const std::size_t first = std::min(value.digits.find_first_not_of('0'), value.digits.size());
    value.digits.erase(0, first);
    value.exponent -= static_cast<int>(first);
    while (value.digits.ends_with('0'))
        value.digits.pop_back();
    if (value.digits.empty()) value.exponent = 0;
}

// Keeps `count` digits, which may be negative; ties go to the even digit. A carry moves the exponent.
DecimalFloat rounded(DecimalFloat value, int count) {
    if (count < 0) {
        value.digits.clear();
        trim(value);
        return value;
    }
    const auto keep = static_cast<std::size_t>(count);
    if (value.digits.size() <= keep) return value;
    const char next = value.digits[keep];
    const bool beyond = value.digits.size() > keep + 1;  // Trailing zeros are gone, so anything there counts.
    const bool odd = keep > 0 && (value.digits[keep - 1] - '0') % 2 == 1;
    const bool up = next > '5' || (next == '5' && (beyond || odd));
    value.digits.resize(keep);
    if (up) {
        std::size_t at = keep;
        while (at > 0 && value.digits[at - 1] == '9')
            value.digits[--at] = '0';
        if (at > 0) {
            ++value.digits[at - 1];
        } else {
            value.digits.insert(0, "1");
            ++value.exponent;
        }
    }
    trim(value);
    return value;
}

// The digit that stands for ten to the power `position`.
char digit_at(const DecimalFloat& value, int position) {
    const int index = value.exponent - 1 - position;
    if (index < 0 || index >= static_cast<int>(value.digits.size())) return '0';
    return value.digits[static_cast<std::size_t>(index)];
}

std::string fixed(const DecimalFloat& value, int precision, bool alternate) {
    const DecimalFloat number = rounded(value, value.exponent + precision);
    std::string text;
    for (int position = std::max(number.exponent, 1) - 1; position >= 0; --position) {
        text.push_back(digit_at(number, position));
    }
    if (precision > 0 || alternate) text.push_back('.');
    for (int position = -1; position >= -precision; --position)
        text.push_back(digit_at(number, position));
    return text;
}

std::string scientific(const DecimalFloat& value, int precision, bool alternate) {
    const DecimalFloat number = rounded(value, precision + 1);
    const int power = number.digits.empty() ? 0 : number.exponent - 1;
    std::string text(1, digit_at(number, power));
    if (precision > 0 || alternate) text.push_back('.');
    for (int i = 1; i <= precision; ++i)
        text.push_back(digit_at(number, power - i));
    text.append(power < 0 ? "e-" : "e+");
    return text.append(pad_left(decimal(static_cast<std::uint64_t>(power < 0 ? -power : power)), 2, '0'));
}

std::string general(const DecimalFloat& value, int precision, bool alternate) {
    if (precision == 0) precision = 1;
    const DecimalFloat number = rounded(value, precision);
    const int power = number.digits.empty() ? 0 : number.exponent - 1;
    const bool use_fixed = power >= -4 && power < precision;
    std::string text = use_fixed ? fixed(value, precision - 1 - power, alternate)
                                 : scientific(value, precision - 1, alternate);
    if (alternate || text.find('.') == std::string::npos) return text;
    const std::size_t exponent = std::min(text.find('e'), text.size());
    std::size_t end = exponent;
    while (text[end - 1] == '0')
        --end;
    if (text[end - 1] == '.') --end;
    text.erase(end, exponent - end);
    return text;
}

std::string upper_case(std::string text) {
    for (char& c : text)
        c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return text;
}

}  // namespace

std::optional<DecimalFloat> parse_decimal_float(std::string_view text, std::size_t& used) {
    DecimalFloat value;
    std::size_t at = 0;
    while (at < text.size() && text[at] == ' ')
        ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) value.negative = text[at++] == '-';
    const std::string rest = upper_case(std::string(text.substr(at)));
    for (const std::string_view special : {"INFINITY", "INF", "NAN"}) {
        if (!rest.starts_with(special)) continue;
        value.special = special == "NAN" ? "nan" : "inf";
        used = at + special.size();
        return value;
    }
    const std::size_t begin = at;
    while (at < text.size() && is_digit(text[at]))
        value.digits.push_back(text[at++]);
    value.exponent = static_cast<int>(at - begin);
    bool any = at > begin;
    if (at < text.size() && text[at] == '.') {
        ++at;
        while (at < text.size() && is_digit(text[at])) {
            value.digits.push_back(text[at++]);
            any = true;
        }
    }
    if (!any) return {};
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        std::size_t end = at + 1;
        if (end < text.size() && (text[end] == '-' || text[end] == '+')) ++end;
        const std::size_t digits = end;
        while (end < text.size() && is_digit(text[end]))
            ++end;
        const auto power = parse_signed(text.substr(at + 1, end - at - 1));
        if (end > digits && power) {
            value.exponent += static_cast<int>(std::clamp<std::int64_t>(*power, -5000, 5000));
            at = end;
        }
    }
    trim(value);
    used = at;
    return value;
}

std::string format_decimal_float(const DecimalFloat& value, char conversion, int precision, bool alternate) {
    const bool upper = conversion >= 'A' && conversion <= 'Z';
    const char lower = upper ? static_cast<char>(conversion - 'A' + 'a') : conversion;
    if (precision < 0) precision = 6;
    std::string text = value.special;
    if (text.empty()) {
        if (lower == 'f') text = fixed(value, precision, alternate);
        if (lower == 'e') text = scientific(value, precision, alternate);
        if (lower == 'g') text = general(value, precision, alternate);
    }
    return upper ? upper_case(std::move(text)) : text;
}

}  // namespace halfcell::userland
