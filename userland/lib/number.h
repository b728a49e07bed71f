#pragma once

// Numbers as people write them. Pure; tested on the host.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace halfcell::userland {

// Decimal digits only, no sign; nothing on overflow or any other character.
std::optional<std::uint64_t> parse_unsigned(std::string_view text);
// With an optional sign.
std::optional<std::int64_t> parse_signed(std::string_view text);
// Digits of a base up to 36, lower or upper case.
std::optional<std::uint64_t> parse_base(std::string_view text, unsigned base);
std::optional<std::uint32_t> parse_octal(std::string_view text);

// A size with a suffix as head, dd and truncate know them: b 512, c 1, w 2, K M G T P E with or without "iB"
// are powers of 1024, kB MB GB … powers of 1000. Factors may be joined with 'x': "2x4k". Overflow is nothing.
std::optional<std::uint64_t> parse_size(std::string_view text);

// A duration such as "0.25" or "2m" (s, m, h, d) in nanoseconds; too long ones are capped.
std::optional<std::uint64_t> parse_duration(std::string_view text);

// Three significant digits with a unit, rounded up, as ls -h and du -h print them: 999, 1.0K, 12M.
std::string human_size(std::uint64_t bytes, unsigned base = 1024);

std::string pad_left(std::string_view text, std::size_t width, char fill = ' ');
std::string pad_right(std::string_view text, std::size_t width);
std::string decimal(std::uint64_t value);
std::string in_base(std::uint64_t value, unsigned base, std::size_t width = 0, bool upper = false);

// A decimal fraction: mantissa / 10^scale. What seq counts with, without rounding.
struct Decimal {
    std::int64_t mantissa = 0;
    unsigned scale = 0;
};
std::optional<Decimal> parse_decimal(std::string_view text);
// The same value with another scale, which must not be smaller; nothing on overflow.
std::optional<std::int64_t> rescale(const Decimal& value, unsigned scale);
std::string format_decimal(const Decimal& value);

// Compares the numbers two texts start with, however long they are: blanks, '-', digits, '.', digits. What is
// not a number counts as 0. As sort -n. Returns <0, 0, >0.
int compare_numbers(std::string_view left, std::string_view right);
// The same with a unit K M G T P E Z Y behind the number. As sort -h.
int compare_human_numbers(std::string_view left, std::string_view right);
// Digits compare as numbers, the rest as text: "file9" before "file10". As sort -V for ordinary names.
int compare_versions(std::string_view left, std::string_view right);

}  // namespace halfcell::userland
