#pragma once

// Real numbers kept as decimal digits, for printf's %f %e %g: exact, without binary rounding. Pure; tested on
// the host.

#include <optional>
#include <string>
#include <string_view>

namespace halfcell::userland {

struct DecimalFloat {
    bool negative = false;
    std::string digits;   // Without leading and trailing zeros; empty for zero.
    int exponent = 0;     // The value is 0.DIGITS times ten to this power.
    std::string special;  // "inf" or "nan", otherwise empty.
};

// Sign, digits with a point, an exponent, "inf", "nan". `used` is how much of the text belonged to the
// number.
std::optional<DecimalFloat> parse_decimal_float(std::string_view text, std::size_t& used);

// As printf does with this conversion (f e g, or upper case) and precision; `alternate` is the flag '#'.
// Without a sign: the caller adds it. Ties go to the even digit.
std::string format_decimal_float(const DecimalFloat& value, char conversion, int precision, bool alternate);

}  // namespace halfcell::userland
