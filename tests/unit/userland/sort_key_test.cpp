#include "userland/lib/sort_key.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace halfcell::userland;

namespace {

std::string sorted(std::vector<std::string> lines, std::vector<std::string> keys, std::string flags = "",
                   std::optional<char> separator = {}) {
    std::vector<SortKey> parsed;
    for (const std::string& key : keys) {
        std::string error;
        parsed.push_back(*parse_sort_key(key, error));
    }
    SortFlags global;
    for (const char flag : flags)
        REQUIRE(set_sort_flag(global, flag));
    const LineOrder order(parsed, global, separator, false);
    std::stable_sort(lines.begin(), lines.end(), [&order](const std::string& a, const std::string& b) {
        return order.compare(a, b) < 0;
    });
    std::string joined;
    for (const std::string& line : lines)
        joined += line + ";";
    return joined;
}

}  // namespace

TEST_CASE("whole lines") {
    CHECK(sorted({"b", "a", "B"}, {}) == "B;a;b;");
    CHECK(sorted({"b", "a", "B"}, {}, "f") == "a;B;b;");
    CHECK(sorted({"10", "9", "-1"}, {}, "n") == "-1;9;10;");
    CHECK(sorted({"10", "9", "-1"}, {}, "nr") == "10;9;-1;");
    CHECK(sorted({"1M", "2K", "3"}, {}, "h") == "3;2K;1M;");
    CHECK(sorted({"f10", "f9"}, {}, "V") == "f9;f10;");
    CHECK(sorted({"Mar", "Jan", "x"}, {}, "M") == "x;Jan;Mar;");
    CHECK(sorted({"a-b", "ab"}, {}, "d") == "a-b;ab;");
}

TEST_CASE("keys") {
    CHECK(sorted({"x 2", "y 1"}, {"2"}) == "y 1;x 2;");
    CHECK(sorted({"x:10:a", "y:9:b"}, {"2n"}, "", ':') == "y:9:b;x:10:a;");
    CHECK(sorted({"x:10:a", "y:9:b"}, {"2,2"}, "", ':') == "x:10:a;y:9:b;");
    CHECK(sorted({"a b2", "a b1"}, {"2.2,2.3n"}) == "a b1;a b2;");
    CHECK(sorted({"b 1", "a 1", "c 0"}, {"2n", "1r"}) == "c 0;b 1;a 1;");
    CHECK(sorted({"1  b", "2 a"}, {"2b"}) == "2 a;1  b;");
    CHECK(sorted({"a:2", "b"}, {"2"}, "", ':') == "b;a:2;");
}

TEST_CASE("wrong keys say why") {
    std::string error;
    CHECK_FALSE(parse_sort_key("0", error));
    CHECK(error == "field number is zero: invalid field specification '0'");
    CHECK_FALSE(parse_sort_key("x", error));
    CHECK_FALSE(parse_sort_key("1,", error));
    CHECK_FALSE(parse_sort_key("1.0", error));
    CHECK_FALSE(parse_sort_key("1q", error));
}
