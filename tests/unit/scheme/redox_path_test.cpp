#include "kernel_shim/scheme/redox_path.h"

#include <doctest/doctest.h>

#include <string>

using namespace halfcell;
using namespace halfcell::scheme;

namespace {

struct Row {
    std::string_view path, scheme, reference;
};

}  // namespace

TEST_CASE("absolute paths name a scheme and a reference") {
    constexpr Row kRows[] = {
        {"/scheme/null", "null", ""},
        {"/scheme/sys/uname", "sys", "uname"},
        {"/scheme", "", ""},
        {"/", "file", ""},
        {"/etc/passwd", "file", "etc/passwd"},
        {"/schemes/x", "file", "schemes/x"},
        {"/scheme2", "file", "scheme2"},
        {"null:", "null", ""},
        {"sys:uname", "sys", "uname"},
        {"file:/a/../b", "file", "/a/../b"},
        {"/a:b", "file", "a:b"},
        {"/scheme/kernel.proc/a/b", "kernel.proc", "a/b"},
    };
    for (const Row& row : kRows) {
        CAPTURE(std::string(row.path));
        const auto parsed = parse_redox_path(row.path);
        REQUIRE(parsed);
        CHECK(parsed->scheme == row.scheme);
        CHECK(parsed->reference == row.reference);
    }
}

TEST_CASE("what is not absolute and canonical is EINVAL") {
    using namespace std::string_view_literals;
    for (const std::string_view path :
         {""sv, "a"sv, "a/b"sv, "./a"sv, "/a/"sv, "//a"sv, "/a//b"sv, "/./a"sv, "/a/.."sv, "/scheme/"sv,
          "/scheme/../x"sv, "a/b:c"sv, ":x"sv, "/a\0b"sv, "nu\0ll:"sv, "null:\0"sv}) {
        CAPTURE(std::string(path));
        const auto parsed = parse_redox_path(path);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error() == Errno::kEINVAL);
    }
}

TEST_CASE("targets that leave the scheme are recognised") {
    for (const std::string_view path : {"/scheme/null", "/scheme", "libc:tty", "rand:", "file:x"}) {
        CAPTURE(std::string(path));
        CHECK(names_a_scheme(path));
    }
    for (const std::string_view path : {"/schemes", "/etc", "a/b:c", "", "x", ":x", "../scheme/null"}) {
        CAPTURE(std::string(path));
        CHECK_FALSE(names_a_scheme(path));
    }
}

TEST_CASE("references are resolved lexically and stop at the root") {
    CHECK(resolve_reference("", "") == "");
    CHECK(resolve_reference("a/b", "") == "a/b");
    CHECK(resolve_reference("a/b", "c") == "a/b/c");
    CHECK(resolve_reference("a/b", "../c") == "a/c");
    CHECK(resolve_reference("a/b", "../../../../c") == "c");
    CHECK(resolve_reference("a/b", "/c") == "c");
    CHECK(resolve_reference("a/b", "/") == "");
    CHECK(resolve_reference("a", "./b//c/./d/..") == "a/b/c");
    CHECK(resolve_reference("", "..") == "");
    CHECK(resolve_reference("a", "...") == "a/...");
}

TEST_CASE("a reference splits into parent and name") {
    CHECK(split_reference("a/b/c").parent == "a/b");
    CHECK(split_reference("a/b/c").name == "c");
    CHECK(split_reference("c").parent == "");
    CHECK(split_reference("c").name == "c");
    CHECK(split_reference("").name == "");
}
