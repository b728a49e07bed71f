#include "kernel_shim/conform/tap_reader.h"

#include <doctest/doctest.h>

#include <vector>

namespace halfcell::conform {
namespace {

std::vector<TapTest> read(std::vector<std::string> lines) {
    TapReader reader;
    std::vector<TapTest> tests;
    for (const std::string& line : lines)
        if (auto test = reader.line(line)) tests.push_back(*test);
    return tests;
}

TEST_CASE("a test ends with its YAML block") {
    const auto tests = read({"TAP version 14", "1..3", "ok 1 - fd/dup", "  ---", "  upstream: \"kernel:x\"",
                             "  deviation: safer", "  ...", "not ok 2 - fd/close", "  ---",
                             R"(  message: "close(\"a\"): EBADF")", "  ...",
                             "ok 3 - fd/open # SKIP no such thing", "  ---", "  ..."});
    REQUIRE(tests.size() == 3);
    CHECK(tests[0].name == "fd/dup");
    CHECK(tests[0].result == Verdict::kPass);
    CHECK(tests[0].deviation == "safer");
    CHECK(tests[1].name == "fd/close");
    CHECK(tests[1].result == Verdict::kFail);
    CHECK(tests[1].deviation.empty());
    CHECK(tests[1].detail == "close(\"a\"): EBADF");
    CHECK(tests[2].name == "fd/open");
    CHECK(tests[2].result == Verdict::kSkip);
    CHECK(tests[2].detail == "no such thing");
}

TEST_CASE("a kernel's own lines in between are passed over") {
    const auto tests = read({"kernel::memory:WARN -- something", "ok 1 - a/b", "  ---", "warning",
                             "  message: \"x\"", "  ...", "ok", "ok 2", "not ok 3 -", "  ..."});
    REQUIRE(tests.size() == 1);
    CHECK(tests[0].name == "a/b");
}

TEST_CASE("odd values of a block do no harm") {
    const auto tests =
        read({"ok 1 - a/b # SKIP", "  ---", "  message:", R"(  message: "\)", "  deviation: \"", "  ..."});
    REQUIRE(tests.size() == 1);
    CHECK(tests[0].result == Verdict::kSkip);
    CHECK(tests[0].detail == "\"\\");
    CHECK(tests[0].deviation == "\"");
}

}  // namespace
}  // namespace halfcell::conform
