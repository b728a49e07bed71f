#include "userland/lib/print_format.h"

#include <doctest/doctest.h>

#include <cstdio>

#include "userland/lib/decimal_float.h"

using namespace halfcell::userland;

namespace {

std::string formatted(std::string_view format, std::vector<std::string_view> arguments = {}) {
    return format_arguments(format, arguments).text;
}

}  // namespace

TEST_CASE("conversions of text and whole numbers") {
    CHECK(formatted("%s-%5s-%-5s|", {"a", "b", "c"}) == "a-    b-c    |");
    CHECK(formatted("%.2s", {"abc"}) == "ab");
    CHECK(formatted("%d %05d %+d", {"1", "-42", "7"}) == "1 -0042 +7");
    CHECK(formatted("%x %X %#x %o %#o", {"255", "255", "255", "8", "8"}) == "ff FF 0xff 10 010");
    CHECK(formatted("%d %d %d", {"0x10", "010", "'A"}) == "16 8 65");
    CHECK(formatted("%u", {"-1"}) == "18446744073709551615");
    CHECK(formatted("%c%c", {"xyz", ""}) == std::string_view("x\0", 2));
    CHECK(formatted("%b", {"a\\tb\\061"}) == "a\tb1");
    CHECK(formatted("%b", {"a\\0101"}) == "aA");
    CHECK(formatted("%*d|%-*d|", {"5", "1", "5", "2"}) == "    1|2    |");
    CHECK(formatted("%.3d", {"5"}) == "005");
    CHECK(formatted("100%%\\n") == "100%\n");
    CHECK(formatted("%q", {"it's"}) == "\"it's\"");
}

TEST_CASE("the format is used again while arguments are left") {
    CHECK(formatted("%s,", {"a", "b", "c"}) == "a,b,c,");
    CHECK(formatted("%s=%s ", {"a", "1", "b"}) == "a=1 b= ");
    CHECK(formatted("no conversion", {"a"}) == "no conversion");
    CHECK(formatted("%d") == "0");
    CHECK(formatted("%b%s", {"x\\cy", "z"}) == "x");
}

TEST_CASE("wrong arguments are reported and go on") {
    const std::string_view words[] = {"12x", "abc"};
    const Formatted result = format_arguments("%d %d", words);
    CHECK(result.text == "12 0");
    REQUIRE(result.complaints.size() == 2);
    CHECK(result.complaints[0] == "'12x': value not completely converted");
    CHECK(result.complaints[1] == "'abc': expected a numeric value");
    CHECK(format_arguments("a%y", {}).error == "%y: invalid conversion specification");
}

TEST_CASE("real numbers print as the host's printf prints them") {
    for (const char* number : {"0", "1", "3.14159", "-2.5", "0.001", "123456789", "1e10", "1e-7", "99.995",
                               "0.5", "1.5", "999998.5", "100", "0.0001", "0.00001"}) {
        for (const char* format : {"%f", "%.0f", "%.2f", "%10.3f", "%-12.1f|", "%e", "%.0e", "%.3E", "%g",
                                   "%.3g", "%G", "%#g", "%+f", "%010.2f"}) {
            char expected[128];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            std::snprintf(expected, sizeof(expected), format, std::stod(number));
#pragma GCC diagnostic pop
            CAPTURE(number);
            CAPTURE(format);
            CHECK(formatted(format, {number}) == expected);
        }
    }
    CHECK(formatted("%f %5.1f", {"inf", "-nan"}) == "inf  -nan");
    CHECK(formatted("%.30f", {"0.1"}) == "0.100000000000000000000000000000");
}
