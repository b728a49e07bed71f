#include "userland/lib/print_format.h"

#include <optional>

#include "userland/lib/decimal_float.h"
#include "userland/lib/escape.h"
#include "userland/lib/number.h"

namespace halfcell::userland {
namespace {

struct Conversion {
    bool left = false;
    bool plus = false;
    bool space = false;
    bool alternate = false;
    bool zero = false;
    std::size_t width = 0;
    int precision = -1;
    char letter = 0;
};

class Formatter {
  public:
    explicit Formatter(std::span<const std::string_view> arguments) : arguments_(arguments) {}

    Formatted run(std::string_view format) {
        do {
            const std::size_t before = next_;
            if (!pass(format) || next_ == before) break;
        } while (next_ < arguments_.size());
        return std::move(result_);
    }

  private:
    std::optional<std::string_view> take_argument() {
        if (next_ == arguments_.size()) return {};
        return arguments_[next_++];
    }

    // One run over the format; false when output is to stop.
    bool pass(std::string_view format) {
        for (std::size_t at = 0; at < format.size();) {
            if (format[at] == '\\') {
                if (unescape_one(format, at, OctalStyle::kPlain, result_.text)) return false;
            } else if (format[at] != '%') {
                result_.text.push_back(format[at++]);
            } else if (format.substr(at).starts_with("%%")) {
                result_.text.push_back('%');
                at += 2;
            } else if (!convert(format, at)) {
                return false;
            }
        }
        return true;
    }

    void take_flags(std::string_view format, std::size_t& at, Conversion& conversion) {
        for (; at < format.size(); ++at) {
            switch (format[at]) {
                case '-':
                    conversion.left = true;
                    break;
                case '+':
                    conversion.plus = true;
                    break;
                case ' ':
                    conversion.space = true;
                    break;
                case '#':
                    conversion.alternate = true;
                    break;
                case '0':
                    conversion.zero = true;
                    break;
                case '\'':
                    break;
                default:
                    return;
            }
        }
    }

    // A number or '*' at the cursor.
    std::int64_t take_count(std::string_view format, std::size_t& at) {
        if (at < format.size() && format[at] == '*') {
            ++at;
            return integer(take_argument().value_or("0"));
        }
        std::int64_t value = 0;
        while (at < format.size() && format[at] >= '0' && format[at] <= '9' && value < 1'000'000) {
            value = value * 10 + (format[at++] - '0');
        }
        return value;
    }

    bool convert(std::string_view format, std::size_t& at) {
        const std::size_t begin = at++;
        Conversion conversion;
        take_flags(format, at, conversion);
        std::int64_t width = take_count(format, at);
        if (width < 0) {
            conversion.left = true;
            width = -width;
        }
        conversion.width = static_cast<std::size_t>(width);
        if (at < format.size() && format[at] == '.') {
            ++at;
            const std::int64_t precision = take_count(format, at);
            conversion.precision = precision < 0 ? -1 : static_cast<int>(precision);
        }
        while (at < format.size() && std::string_view("hlLqjzt").find(format[at]) != std::string_view::npos &&
               !(format[at] == 'q' && at + 1 == format.size())) {
            if (format[at] == 'q') break;
            ++at;
        }
        constexpr std::string_view kLetters = "diuoxXfFeEgGcsbq";
        if (at == format.size() || kLetters.find(format[at]) == std::string_view::npos) {
            const std::size_t end = at == format.size() ? at : at + 1;
            result_.error =
                std::string(format.substr(begin, end - begin)) + ": invalid conversion specification";
            return false;
        }
        conversion.letter = format[at++];
        return emit(conversion);
    }

    bool emit(const Conversion& conversion) {
        const std::string_view argument = take_argument().value_or(std::string_view());
        switch (conversion.letter) {
            case 'c':
                // An empty argument still has its terminating NUL.
                pad(conversion, argument.empty() ? std::string_view("\0", 1) : argument.substr(0, 1));
                return true;
            case 's':
                pad(conversion, truncated(conversion, argument));
                return true;
            case 'q':
                pad(conversion, truncated(conversion, shell_quoted(argument)));
                return true;
            case 'b': {
                const Unescaped text = unescape(argument, OctalStyle::kZeroPrefixed);
                pad(conversion, truncated(conversion, text.text));
                return !text.stopped;
            }
            case 'd':
            case 'i':
                emit_signed(conversion, integer(argument));
                return true;
            case 'u':
            case 'o':
            case 'x':
            case 'X':
                emit_unsigned(conversion, static_cast<std::uint64_t>(integer(argument)));
                return true;
            default:
                emit_float(conversion, argument);
                return true;
        }
    }

    static std::string_view truncated(const Conversion& conversion, std::string_view text) {
        return conversion.precision < 0 ? text
                                        : text.substr(0, static_cast<std::size_t>(conversion.precision));
    }

    void pad(const Conversion& conversion, std::string_view text) {
        const std::size_t fill = conversion.width > text.size() ? conversion.width - text.size() : 0;
        if (!conversion.left) result_.text.append(fill, ' ');
        result_.text.append(text);
        if (conversion.left) result_.text.append(fill, ' ');
    }

    // A number's prefix (sign, 0x) and digits, with zeros between where the flags want them.
    void pad_number(const Conversion& conversion, std::string prefix, std::string digits,
                    bool zeros_allowed) {
        const std::size_t size = prefix.size() + digits.size();
        if (conversion.zero && zeros_allowed && !conversion.left && size < conversion.width) {
            digits.insert(0, conversion.width - size, '0');
        }
        pad(conversion, prefix + digits);
    }

    static std::string sign(const Conversion& conversion, bool negative) {
        if (negative) return "-";
        if (conversion.plus) return "+";
        return conversion.space ? " " : "";
    }

    static std::string at_least(std::string digits, int precision) {
        const auto least = static_cast<std::size_t>(precision < 0 ? 0 : precision);
        if (precision == 0 && digits == "0") return "";
        return pad_left(digits, least, '0');
    }

    void emit_signed(const Conversion& conversion, std::int64_t value) {
        const auto bits = static_cast<std::uint64_t>(value);
        pad_number(conversion, sign(conversion, value < 0),
                   at_least(decimal(value < 0 ? ~bits + 1 : bits), conversion.precision),
                   conversion.precision < 0);
    }

    void emit_unsigned(const Conversion& conversion, std::uint64_t value) {
        const bool hexadecimal = conversion.letter == 'x' || conversion.letter == 'X';
        const unsigned base = hexadecimal ? 16 : (conversion.letter == 'o' ? 8 : 10);
        std::string digits =
            at_least(in_base(value, base, 0, conversion.letter == 'X'), conversion.precision);
        std::string prefix;
        if (conversion.alternate && hexadecimal && value != 0)
            prefix = conversion.letter == 'X' ? "0X" : "0x";
        if (conversion.alternate && base == 8 && !digits.starts_with('0')) digits.insert(0, "0");
        pad_number(conversion, prefix, digits, conversion.precision < 0);
    }

    void emit_float(const Conversion& conversion, std::string_view argument) {
        DecimalFloat value;
        if (argument.starts_with('\'') || argument.starts_with('"')) {
            std::size_t used = 0;
            value = *parse_decimal_float(decimal(character_code(argument)), used);
        } else if (!argument.empty()) {
            std::size_t used = 0;
            if (const auto parsed = parse_decimal_float(argument, used)) {
                value = *parsed;
                if (used < argument.size()) partly_converted(argument);
            } else {
                no_number(argument);
            }
        }
        pad_number(conversion, sign(conversion, value.negative),
                   format_decimal_float(value, conversion.letter, conversion.precision, conversion.alternate),
                   value.special.empty());
    }

    static std::uint64_t character_code(std::string_view argument) {
        return argument.size() > 1 ? static_cast<unsigned char>(argument[1]) : 0;
    }

    void no_number(std::string_view argument) {
        result_.complaints.push_back("'" + std::string(argument) + "': expected a numeric value");
    }
    void partly_converted(std::string_view argument) {
        result_.complaints.push_back("'" + std::string(argument) + "': value not completely converted");
    }

    // An integer as C writes it: decimal, 0 octal, 0x hexadecimal, 'c the code of a character.
    std::int64_t integer(std::string_view argument) {
        if (argument.empty()) return 0;
        if (argument[0] == '\'' || argument[0] == '"')
            return static_cast<std::int64_t>(character_code(argument));
        std::string_view text = argument;
        const bool negative = text.starts_with('-');
        if (negative || text.starts_with('+')) text.remove_prefix(1);
        unsigned base = 10;
        if (text.starts_with("0x") || text.starts_with("0X")) {
            base = 16;
            text.remove_prefix(2);
        } else if (text.starts_with('0') && text.size() > 1) {
            base = 8;
        }
        std::size_t digits = 0;
        while (digits < text.size() && parse_base(text.substr(digits, 1), base))
            ++digits;
        if (digits == 0) {
            no_number(argument);
            return 0;
        }
        const auto value = parse_base(text.substr(0, digits), base);
        if (!value) {
            result_.complaints.push_back("'" + std::string(argument) + "': Numerical result out of range");
            return static_cast<std::int64_t>(~std::uint64_t{0});
        }
        if (digits < text.size()) partly_converted(argument);
        return static_cast<std::int64_t>(negative ? ~*value + 1 : *value);
    }

    std::span<const std::string_view> arguments_;
    std::size_t next_ = 0;
    Formatted result_;
};

}  // namespace

Formatted format_arguments(std::string_view format, std::span<const std::string_view> arguments) {
    return Formatter(arguments).run(format);
}

std::string shell_quoted(std::string_view text) {
    constexpr std::string_view kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,:+@%=";
    if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos) return std::string(text);
    if (text.find('\'') != std::string_view::npos &&
        text.find_first_of("\"$`\\!") == std::string_view::npos) {
        return "\"" + std::string(text) + "\"";
    }
    std::string quoted = "'";
    for (const char c : text) {
        if (c == '\'') {
            quoted.append("'\\''");
        } else {
            quoted.push_back(c);
        }
    }
    return quoted + "'";
}

}  // namespace halfcell::userland
