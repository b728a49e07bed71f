#include "kernel_shim/base/json.h"

#include <doctest/doctest.h>

using namespace halfcell;

TEST_CASE("what is no JSON is EINVAL, not an exception") {
    for (const char* text : {"", "{", "{\"a\":}", "nul", "{} {}", "\xff"}) {
        const Result<Json> parsed = parse_json(text);
        REQUIRE_FALSE(parsed.has_value());
        CHECK(parsed.error() == Errno::kEINVAL);
    }
}

TEST_CASE("the full range of 64-bit words survives") {
    const Result<Json> parsed = parse_json("[18446744073709551615,-9223372036854775808]");
    REQUIRE(parsed.has_value());
    CHECK(dump_json(*parsed) == "[18446744073709551615,-9223372036854775808]");
}

TEST_CASE("bytes that are no UTF-8 are replaced") {
    CHECK(dump_json(Json("a\xff")) == "\"a\xef\xbf\xbd\"");
}

TEST_CASE("only ordered objects keep their order") {
    OrderedJson ordered;
    ordered["z"] = 1;
    ordered["a"] = 2;
    CHECK(dump_json(ordered) == R"({"z":1,"a":2})");
    CHECK(dump_json(Json{{"z", 1}, {"a", 2}}) == R"({"a":2,"z":1})");
}

TEST_CASE("nesting is limited, brackets in strings do not count") {
    const auto nested = [](int levels) { return std::string(levels, '[') + std::string(levels, ']'); };
    CHECK(parse_json(nested(kJsonDepth)).has_value());
    CHECK_FALSE(parse_json(nested(kJsonDepth + 1)).has_value());
    CHECK_FALSE(parse_json(nested(1000000)).has_value());
    CHECK(parse_json("\"" + std::string(1000, '[') + "\\\"[\"").has_value());
}
