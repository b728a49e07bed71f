#include "userland/lib/regex.h"

#include <doctest/doctest.h>
#include <regex.h>

#include <random>
#include <string>

using namespace halfcell::userland;

namespace {

std::optional<Regex> compiled(std::string_view pattern, RegexOptions options = {}) {
    std::string error;
    return Regex::compile({pattern}, options, error);
}

std::string error_of(std::string_view pattern, RegexSyntax syntax) {
    std::string error;
    RegexOptions options;
    options.syntax = syntax;
    (void)Regex::compile({pattern}, options, error);
    return error;
}

// The leftmost longest match as text, "-" for none. Checks that both ways to search agree.
std::string match(std::string_view pattern, std::string_view text,
                  RegexSyntax syntax = RegexSyntax::kExtended) {
    RegexOptions options;
    options.syntax = syntax;
    auto regex = compiled(pattern, options);
    if (!regex) return "?";
    const auto found = regex->find(text);
    CHECK(regex->matches(text) == found.has_value());
    return found ? std::string(text.substr(found->begin, found->end - found->begin)) : "-";
}

constexpr RegexSyntax kBasic = RegexSyntax::kBasic;

}  // namespace

TEST_CASE("extended expressions match leftmost and longest") {
    CHECK(match("a|ab|abc", "xabcd") == "abc");
    CHECK(match("(a|ab)(c|bcd)", "abcd") == "abcd");
    CHECK(match("a*", "baaa") == "");
    CHECK(match("a+", "baaab") == "aaa");
    CHECK(match("colou?r", "the color") == "color");
    CHECK(match("x{2,3}", "xxxx") == "xxx");
    CHECK(match("x{2}", "xxxx") == "xx");
    CHECK(match("x{3,}", "xxxxx") == "xxxxx");
    CHECK(match("(ab){2}c", "ababc") == "ababc");
    CHECK(match("a{,2}b", "aaab") == "aab");
    CHECK(match("()b", "b") == "b");
    CHECK(match("(a*)*b", "aab") == "aab");
    CHECK(match("a.c", "abc") == "abc");
    CHECK(match("a{x", "a{x") == "a{x");
}

TEST_CASE("anchors and words") {
    CHECK(match("^abc$", "abc") == "abc");
    CHECK(match("^abc", "xabc") == "-");
    CHECK(match("abc$", "abcx") == "-");
    CHECK(match("^$", "") == "");
    CHECK(match("\\<foo\\>", "a foo b") == "foo");
    CHECK(match("\\<foo\\>", "afoo") == "-");
    CHECK(match("\\bfoo", "x.foo") == "foo");
    CHECK(match("\\Boo", "foo") == "oo");
    CHECK(match("\\w+", "--ab_1--") == "ab_1");
    CHECK(match("\\W+", "ab--cd") == "--");
    CHECK(match("(^|x)a", "ya xa") == "xa");
}

TEST_CASE("brackets") {
    CHECK(match("[a-c]+", "xxabcd") == "abc");
    CHECK(match("[^a-c]+", "abxyc") == "xy");
    CHECK(match("[]x]+", "a]x]") == "]x]");
    CHECK(match("[^]]+", "]ab]") == "ab");
    CHECK(match("[a-]+", "b-a-") == "-a-");
    CHECK(match("[[:digit:][:upper:]]+", "ab1C2d") == "1C2");
    CHECK(match("[[.-.]]", "a-b") == "-");
    CHECK(match("[[=a=]b]+", "cab") == "ab");
    CHECK(match("[\\n]+", "\\n") == "\\n");
}

TEST_CASE("basic expressions") {
    CHECK(match("a\\(bc\\)*d", "abcbcd", kBasic) == "abcbcd");
    CHECK(match("*a", "x*a", kBasic) == "*a");
    CHECK(match("a\\{2\\}", "aaa", kBasic) == "aa");
    CHECK(match("a+", "aa+", kBasic) == "a+");
    CHECK(match("a\\+", "aa+", kBasic) == "aa");
    CHECK(match("a\\|b", "cb", kBasic) == "b");
    CHECK(match("a^b$c", "a^b$c", kBasic) == "a^b$c");
    CHECK(match("\\(^a\\)", "a", kBasic) == "a");
    CHECK(match("\\.", "a.b", kBasic) == ".");
}

TEST_CASE("options change what matches") {
    RegexOptions options;
    options.ignore_case = true;
    CHECK(compiled("HeLLo", options)->matches("say hello"));
    CHECK_FALSE(compiled("[^a]", options)->matches("aA"));
    options = {};
    options.whole_words = true;
    CHECK(compiled("foo", options)->matches("a foo."));
    CHECK_FALSE(compiled("foo", options)->matches("foobar"));
    options = {};
    options.whole_text = true;
    CHECK(compiled("fo*", options)->matches("foo"));
    CHECK_FALSE(compiled("fo", options)->matches("foo"));
    options = {};
    options.syntax = RegexSyntax::kFixed;
    CHECK(compiled("a.c*", options)->matches("xa.c*x"));
    CHECK_FALSE(compiled("a.c", options)->matches("abc"));
}

TEST_CASE("wrong expressions say why") {
    CHECK(error_of("a(", RegexSyntax::kExtended) == "Unmatched ( or \\(");
    CHECK(error_of("a)", RegexSyntax::kExtended) == "Unmatched ) or \\)");
    CHECK(error_of("[a", RegexSyntax::kExtended) == "Unmatched [, [^, [:, [., or [=");
    CHECK(error_of("[z-a]", RegexSyntax::kExtended) == "Invalid range end");
    CHECK(error_of("a\\", RegexSyntax::kExtended) == "Trailing backslash");
    CHECK(error_of("[[:nope:]]", RegexSyntax::kExtended) == "Invalid character class name");
    CHECK(error_of("a\\{2", kBasic) == "Unmatched \\{");
    CHECK(error_of("\\(a\\)\\1", kBasic) == "back-references are not supported");
    CHECK(error_of("(a{1000}){1000}", RegexSyntax::kExtended) == "Regular expression too big");
}

TEST_CASE("time stays proportional to the text") {
    const std::string text(20000, 'a');
    CHECK(match("(a*)*(a*)*b", text) == "-");
    CHECK(match("(a|aa|aaa)*b|a{1,50}c", text) == "-");
}

TEST_CASE("a cache that overflows forgets and goes on") {
    auto regex = compiled("[ab]*a[ab]\\{14\\}$");
    REQUIRE(regex);
    std::mt19937 random(7);
    for (int i = 0; i < 200; ++i) {
        std::string text;
        for (int j = 0; j < 200; ++j)
            text.push_back(random() % 2 == 0 ? 'a' : 'b');
        CHECK(regex->matches(text) == (text[text.size() - 15] == 'a'));
    }
}

TEST_CASE("random expressions match as the host's regexec says") {
    std::mt19937 random(42);
    const auto pick = [&random](unsigned count) { return static_cast<unsigned>(random() % count); };
    const auto expression = [&](auto& self, unsigned depth) -> std::string {
        switch (depth == 0 ? pick(3) : pick(8)) {
            case 0:
                return "a";
            case 1:
                return "b";
            case 2:
                return "[ab]";
            case 3:
            case 4:
                return self(self, depth - 1) + self(self, depth - 1);
            case 5:
                return "(" + self(self, depth - 1) + "|" + self(self, depth - 1) + ")";
            case 6:
                return "(" + self(self, depth - 1) + ")" + (pick(2) == 0 ? "*" : "{1,2}");
            default:
                return "(" + self(self, depth - 1) + ")?";
        }
    };
    for (int round = 0; round < 3000; ++round) {
        const std::string pattern = expression(expression, 3);
        regex_t reference;
        REQUIRE(regcomp(&reference, pattern.c_str(), REG_EXTENDED) == 0);
        RegexOptions options;
        options.syntax = RegexSyntax::kExtended;
        auto regex = compiled(pattern, options);
        REQUIRE(regex);
        for (int i = 0; i < 4; ++i) {
            std::string text;
            for (unsigned j = pick(9); j > 0; --j)
                text.push_back("abc"[pick(3)]);
            regmatch_t expected;
            const bool matched = regexec(&reference, text.c_str(), 1, &expected, 0) == 0;
            const auto found = regex->find(text);
            CAPTURE(pattern);
            CAPTURE(text);
            CHECK(regex->matches(text) == matched);
            REQUIRE(found.has_value() == matched);
            if (!matched) continue;
            CHECK(found->begin == static_cast<std::size_t>(expected.rm_so));
            CHECK(found->end == static_cast<std::size_t>(expected.rm_eo));
        }
        regfree(&reference);
    }
}
