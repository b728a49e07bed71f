#include <doctest/doctest.h>

#include "userland/lib/character_set.h"
#include "userland/lib/escape.h"
#include "userland/lib/glob.h"
#include "userland/lib/mode.h"
#include "userland/lib/ranges.h"
#include "userland/rt/path.h"

using namespace halfcell::userland;

TEST_CASE("globs") {
    CHECK(glob_matches("*.c", "main.c"));
    CHECK_FALSE(glob_matches("*.c", "main.cc"));
    CHECK(glob_matches("a*b*c", "aXbYbc"));
    CHECK(glob_matches("?x", "ax"));
    CHECK_FALSE(glob_matches("?x", "x"));
    CHECK(glob_matches("[a-c]1", "b1"));
    CHECK_FALSE(glob_matches("[!a-c]1", "b1"));
    CHECK(glob_matches("[[:digit:]]*", "7up"));
    CHECK(glob_matches("\\*", "*"));
    CHECK_FALSE(glob_matches("\\*", "a"));
    CHECK(glob_matches("[", "["));
    CHECK(glob_matches("MAIN*", "main.c", true));
    CHECK(glob_matches("", ""));
    CHECK(glob_matches("**", ""));
}

TEST_CASE("modes") {
    CHECK(apply_mode("755", 0, false, 0) == 0755);
    CHECK(apply_mode("u+x,go-w", 0666, false, 0) == 0744);
    CHECK(apply_mode("a=rX", 0777, false, 0) == 0555);
    CHECK(apply_mode("a=rX", 0600, false, 0) == 0444);
    CHECK(apply_mode("a+X", 0600, true, 0) == 0711);
    CHECK(apply_mode("+w", 0444, false, 022) == 0644);
    CHECK(apply_mode("g=u", 0640, false, 0) == 0660);
    CHECK(apply_mode("u+s,+t", 0755, false, 0) == 05755);
    CHECK(apply_mode("u=rwx-x", 0000, false, 0) == 0600);
    CHECK_FALSE(apply_mode("u", 0, false, 0));
    CHECK_FALSE(apply_mode("u+q", 0, false, 0));
    CHECK_FALSE(apply_mode("88", 0, false, 0));
    CHECK_FALSE(apply_mode("77777", 0, false, 0));
    CHECK(mode_text(0x4000 | 01755) == "drwxr-xr-t");
    CHECK(mode_text(0x8000 | 04644) == "-rwSr--r--");
    CHECK(mode_text(0xA000 | 0777) == "lrwxrwxrwx");
}

TEST_CASE("ranges join and invert") {
    std::string error;
    const auto ranges = parse_ranges("5-7,1,6-9,12-", error);
    REQUIRE(ranges);
    REQUIRE(ranges->size() == 3);
    CHECK((*ranges)[1].first == 5);
    CHECK((*ranges)[1].last == 9);
    CHECK((*ranges)[2].last == Range::kOpen);
    const auto rest = complement(*ranges);
    REQUIRE(rest.size() == 2);
    CHECK(rest[0].first == 2);
    CHECK(rest[1].last == 11);
    CHECK_FALSE(parse_ranges("0", error));
    CHECK_FALSE(parse_ranges("3-2", error));
    CHECK_FALSE(parse_ranges("-", error));
    CHECK_FALSE(parse_ranges("a", error));
    CHECK_FALSE(parse_ranges("", error));
}

TEST_CASE("character sets") {
    std::string error;
    const auto text = [&error](std::string_view set) {
        const auto parsed = parse_character_set(set, error);
        return parsed ? std::string(parsed->bytes.begin(), parsed->bytes.end()) : "?" + error;
    };
    CHECK(text("a-e") == "abcde");
    CHECK(text("[:digit:]x") == "0123456789x");
    CHECK(text("[a*3]b") == "aaab");
    CHECK(text("\\n\\101") == "\nA");
    CHECK(text("[=q=]") == "q");
    CHECK(text("a-") == "a-");
    CHECK(text("[x]") == "[x]");
    CHECK(text("z-a") == "?range-endpoints are in reverse collating sequence order");
    const auto from = parse_character_set("abcd", error);
    const auto to = parse_character_set("x[y*]z", error);
    const auto table = translation_table(from->bytes, *to);
    CHECK(table['a'] == 'x');
    CHECK(table['c'] == 'y');
    CHECK(table['d'] == 'z');
    CHECK(table['e'] == 'e');
    CHECK(complement(from->bytes).size() == 252);
}

TEST_CASE("escapes") {
    CHECK(unescape("a\\tb\\n", OctalStyle::kZeroPrefixed).text == "a\tb\n");
    CHECK(unescape("\\0101\\x41", OctalStyle::kZeroPrefixed).text == "AA");
    CHECK(unescape("\\101", OctalStyle::kPlain).text == "A");
    CHECK(unescape("\\q", OctalStyle::kPlain).text == "\\q");
    CHECK(unescape("\\", OctalStyle::kPlain).text == "\\");
    const Unescaped stopped = unescape("ab\\ccd", OctalStyle::kZeroPrefixed);
    CHECK(stopped.text == "ab");
    CHECK(stopped.stopped);
}

TEST_CASE("paths as libc sees them") {
    CHECK(canonical_path("/a/b", "c") == "/a/b/c");
    CHECK(canonical_path("/a/b", "../c/./d//") == "/a/c/d");
    CHECK(canonical_path("/a", "/x/../../y") == "/y");
    CHECK(canonical_path("/", "..") == "/");
    CHECK(canonical_path("/scheme/null", "../..") == "/scheme/null");
    CHECK(canonical_path("/", "null:x/../y") == "/scheme/null/y");
    CHECK(scheme_path("/") == "/scheme/file");
    CHECK(scheme_path("/etc/x") == "/scheme/file/etc/x");
    CHECK(scheme_path("/scheme/null") == "/scheme/null");
    CHECK(scheme_path("/schemes") == "/scheme/file/schemes");
    CHECK(relative_reference("./a//b/.") == "a/b");
    CHECK(relative_reference("../../x/../y") == "../../y");
    CHECK(relative_reference(".") == "");
    CHECK(is_absolute_path("null:"));
    CHECK_FALSE(is_absolute_path("a/b:c"));
    CHECK(base_name("/usr/bin/") == "bin");
    CHECK(base_name("/") == "/");
    CHECK(directory_name("/usr") == "/");
    CHECK(directory_name("a//b") == "a");
    CHECK(directory_name("x") == ".");
    CHECK(join_path("a/", "b") == "a/b");
}
