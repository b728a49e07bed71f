#include "kernel_shim/control/people.h"

#include <doctest/doctest.h>

namespace halfcell::control {

TEST_CASE("lists of objects become tables, whose columns are all that any row has") {
    OrderedJson report;
    report["maps"] = {{{"base", std::uint64_t{0x7000}}, {"size", 4096}},
                      {{"base", std::uint64_t{0x10000}}, {"kind", "private"}}};
    CHECK(for_people(report) ==
          "maps\n"
          "  base     size  kind\n"
          "  0x7000   4096  -\n"
          "  0x10000  -     private\n");
}

TEST_CASE("texts are lines of their own") {
    OrderedJson report;
    report["calls"] = {"[2:1] close(3) = 0", "[2:1] yield() = 0"};
    CHECK(for_people(report) ==
          "calls\n"
          "  [2:1] close(3) = 0\n"
          "  [2:1] yield() = 0\n");
}

TEST_CASE("objects are indented, and nothing is called none") {
    OrderedJson report;
    report["memory"] = {{"used", 7}};
    report["deadlocks"] = OrderedJson::array();
    CHECK(for_people(report) ==
          "memory\n"
          "  used  7\n"
          "deadlocks  none\n");
}

TEST_CASE("a guest's names cannot speak to the terminal") {
    OrderedJson report;
    report["name"] =
        "a\x1b[2J\x07"
        "b";
    CHECK(for_people(report) == "name  a?[2J?b\n");
    // CSI and NEL in UTF-8; U+00A0 and letters of two bytes are shown.
    report["name"] = "a\u009b2J\u0085b\u00a0\u00fc";
    CHECK(for_people(report) == "name  a?2J?b\u00a0\u00fc\n");
    // CSI of terminals that do not know UTF-8.
    report["name"] = "a\x9b\xff";
    CHECK(for_people(report) == "name  a\ufffd\ufffd\n");
}

}  // namespace halfcell::control
