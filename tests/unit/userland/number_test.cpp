#include "userland/lib/number.h"

#include <doctest/doctest.h>

using namespace halfcell::userland;

TEST_CASE("whole numbers") {
    CHECK(parse_unsigned("18446744073709551615") == ~std::uint64_t{0});
    CHECK_FALSE(parse_unsigned("18446744073709551616"));
    CHECK_FALSE(parse_unsigned(""));
    CHECK_FALSE(parse_unsigned("1a"));
    CHECK_FALSE(parse_unsigned("-1"));
    CHECK(parse_signed("-9223372036854775808") == INT64_MIN);
    CHECK_FALSE(parse_signed("9223372036854775808"));
    CHECK(parse_base("ff", 16) == 255U);
    CHECK_FALSE(parse_octal("8"));
}

TEST_CASE("sizes with suffixes") {
    CHECK(parse_size("10") == 10U);
    CHECK(parse_size("2b") == 1024U);
    CHECK(parse_size("1K") == 1024U);
    CHECK(parse_size("1kB") == 1000U);
    CHECK(parse_size("1MiB") == 1048576U);
    CHECK(parse_size("2x4k") == 8192U);
    CHECK_FALSE(parse_size("K"));
    CHECK_FALSE(parse_size("1Q"));
    CHECK_FALSE(parse_size("99999999999E"));
}

TEST_CASE("durations") {
    CHECK(parse_duration("1") == 1'000'000'000U);
    CHECK(parse_duration("0.25") == 250'000'000U);
    CHECK(parse_duration(".5m") == 30'000'000'000U);
    CHECK(parse_duration("2h") == 7'200'000'000'000U);
    CHECK_FALSE(parse_duration("x"));
    CHECK_FALSE(parse_duration("."));
    CHECK(parse_duration("99999999999999999999d").has_value());
}

TEST_CASE("sizes for people are rounded up") {
    CHECK(human_size(0) == "0");
    CHECK(human_size(1023) == "1023");
    CHECK(human_size(1024) == "1.0K");
    CHECK(human_size(1025) == "1.1K");
    CHECK(human_size(10 * 1024) == "10K");
    CHECK(human_size(10 * 1024 + 1) == "11K");
    CHECK(human_size(1024 * 1024 - 1) == "1.0M");
    CHECK(human_size(9 * 1024 * 1024 + 1) == "9.1M");
    CHECK(human_size(~std::uint64_t{0}) == "16E");
}

TEST_CASE("decimal fractions") {
    CHECK(format_decimal(*parse_decimal("-1.50")) == "-1.50");
    CHECK(format_decimal(*parse_decimal(".5")) == "0.5");
    CHECK(format_decimal({5, 2}) == "0.05");
    CHECK(format_decimal({-5, 2}) == "-0.05");
    CHECK(rescale({12, 1}, 3) == 1200);
    CHECK_FALSE(rescale({INT64_MAX, 0}, 1));
    CHECK_FALSE(parse_decimal("1e5"));
}

TEST_CASE("numbers compare whatever their length") {
    CHECK(compare_numbers("10", "9") > 0);
    CHECK(compare_numbers("-10", "9") < 0);
    CHECK(compare_numbers("  007", "7") == 0);
    CHECK(compare_numbers("1.5", "1.50") == 0);
    CHECK(compare_numbers("-0", "0") == 0);
    CHECK(compare_numbers("abc", "0") == 0);
    CHECK(compare_numbers("123456789012345678901234567890", "123456789012345678901234567891") < 0);
    CHECK(compare_human_numbers("2K", "1M") < 0);
    CHECK(compare_human_numbers("-2K", "-1M") > 0);
    CHECK(compare_versions("file9", "file10") < 0);
    CHECK(compare_versions("a1b2", "a1b2") == 0);
}
