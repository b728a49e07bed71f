#include "userland/sh/arithmetic.h"

#include <doctest/doctest.h>

#include <map>

using namespace halfcell::userland::sh;

namespace {

struct Values final : ArithmeticVariables {
    std::map<std::string, std::string, std::less<>> values;
    std::optional<std::string> arithmetic_value(std::string_view name, std::string&) override {
        const auto at = values.find(name);
        if (at == values.end()) return {};
        return at->second;
    }
    bool assign_arithmetic(std::string_view name, std::int64_t value, std::string& error) override {
        if (name == "fixed") {
            error = "fixed: is read only";
            return false;
        }
        values[std::string(name)] = std::to_string(value);
        return true;
    }
};

std::string value_of(std::string_view expression, Values& values) {
    std::string error;
    const auto value = evaluate_arithmetic(expression, values, error);
    return value ? std::to_string(*value) : "error: " + error;
}

std::string value_of(std::string_view expression) {
    Values values;
    return value_of(expression, values);
}

}  // namespace

TEST_CASE("operators bind as in C") {
    CHECK(value_of("1 + 2 * 3") == "7");
    CHECK(value_of("(1 + 2) * 3") == "9");
    CHECK(value_of("10 - 4 - 3") == "3");
    CHECK(value_of("-7 / 2") == "-3");
    CHECK(value_of("-7 % 3") == "-1");
    CHECK(value_of("1 << 4 | 1") == "17");
    CHECK(value_of("6 & 3 ^ 1") == "3");
    CHECK(value_of("!0 + !5") == "1");
    CHECK(value_of("~0") == "-1");
    CHECK(value_of("- -3") == "3");
    CHECK(value_of("1 < 2 == 1") == "1");
    CHECK(value_of("1 ? 2 : 3 ? 4 : 5") == "2");
    CHECK(value_of("0 ? 2 : 0 ? 4 : 5") == "5");
    CHECK(value_of("0x1F + 010") == "39");
    CHECK(value_of("") == "0");
    CHECK(value_of("  \n ") == "0");
}

TEST_CASE("variables are read and changed") {
    Values values;
    values.values["x"] = "5";
    values.values["blank"] = "";
    CHECK(value_of("x + unknown + blank", values) == "5");
    CHECK(value_of("y = x + 1", values) == "6");
    CHECK(values.values["y"] == "6");
    CHECK(value_of("x += y *= 2", values) == "17");
    CHECK(value_of("x == 17 && y != 0", values) == "1");
    CHECK(value_of("0 && (x = 1)", values) == "0");
    CHECK(value_of("1 || (x = 1)", values) == "1");
    CHECK(value_of("1 ? 3 : (x = 1)", values) == "3");
    CHECK(values.values["x"] == "17");
    values.values["word"] = "abc";
    CHECK(value_of("word", values) == "error: Illegal number: abc");
    CHECK(value_of("fixed = 3", values) == "error: fixed: is read only");
}

TEST_CASE("mistakes") {
    CHECK(value_of("1 / 0").starts_with("error: arithmetic expression: division by zero"));
    CHECK(value_of("0 && 1 / 0") == "0");
    CHECK(value_of("1 +").starts_with("error: arithmetic expression: expecting primary"));
    CHECK(value_of("(1").starts_with("error: arithmetic expression: expecting ')'"));
    CHECK(value_of("1 2").starts_with("error: arithmetic expression: expecting EOF"));
    CHECK(value_of("1 @ 2").starts_with("error"));
    CHECK(value_of("08").starts_with("error"));
    CHECK(value_of(std::string(100000, '(')).starts_with("error"));
    CHECK(value_of(std::string(100000, '-') + "1").starts_with("error"));
}

TEST_CASE("the ends of the numbers") {
    CHECK(value_of("9223372036854775807 + 1") == "-9223372036854775808");
    CHECK(value_of("(-9223372036854775807 - 1) / -1") == "-9223372036854775808");
    CHECK(value_of("(-9223372036854775807 - 1) % -1") == "0");
    CHECK(value_of("1 << 64") == "1");
    CHECK(value_of("99999999999999999999").starts_with("error"));
}
