#pragma once

// The expressions of $((…)): C's integer operators on signed 64-bit numbers. Pure; tested on the host.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace halfcell::userland::sh {

// The variables of an expression.
class ArithmeticVariables {
  public:
    virtual ~ArithmeticVariables() = default;
    // Nothing for a variable that is unset; it counts as 0 unless the shell refuses unset ones itself by
    // setting `error`.
    virtual std::optional<std::string> arithmetic_value(std::string_view name, std::string& error) = 0;
    // False, with `error` set, where the variable cannot be changed.
    virtual bool assign_arithmetic(std::string_view name, std::int64_t value, std::string& error) = 0;
};

// The value of an expression; nothing with `error` set where it is wrong. Overflow wraps. An empty expression
// is 0.
std::optional<std::int64_t> evaluate_arithmetic(std::string_view expression, ArithmeticVariables& variables,
                                                std::string& error);

// A number as programs write it: decimal, 0 octal, 0x hexadecimal, with an optional sign; nothing else around
// it but blanks.
std::optional<std::int64_t> parse_shell_integer(std::string_view text);

}  // namespace halfcell::userland::sh
