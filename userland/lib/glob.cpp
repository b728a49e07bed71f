#include "userland/lib/glob.h"

#include <cstddef>

namespace halfcell::userland {
namespace {

char fold(char c, bool ignore_case) {
    return ignore_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool in_class(std::string_view name, char c) {
    const bool lower = c >= 'a' && c <= 'z';
    const bool upper = c >= 'A' && c <= 'Z';
    const bool digit = c >= '0' && c <= '9';
    if (name == "alpha") return lower || upper;
    if (name == "digit") return digit;
    if (name == "alnum") return lower || upper || digit;
    if (name == "lower") return lower;
    if (name == "upper") return upper;
    if (name == "space") return c == ' ' || (c >= 9 && c <= 13);
    if (name == "punct") return c > 32 && c < 127 && !lower && !upper && !digit;
    return name == "xdigit" && (digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'));
}

// Matches one byte against the bracket that starts at pattern[at]; `at` then stands behind it. A bracket
// without end is the plain byte '['.
bool match_bracket(std::string_view pattern, std::size_t& at, char c, bool ignore_case) {
    std::size_t i = at + 1;
    const bool inverted = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
    if (inverted) ++i;
    bool found = false;
    const char folded = fold(c, ignore_case);
    for (bool first = true; i < pattern.size() && (first || pattern[i] != ']'); first = false) {
        if (pattern.substr(i).starts_with("[:")) {
            const std::size_t close = pattern.find(":]", i + 2);
            if (close != std::string_view::npos) {
                found = found || in_class(pattern.substr(i + 2, close - i - 2), c);
                i = close + 2;
                continue;
            }
        }
        if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
        const char low = fold(pattern[i++], ignore_case);
        char high = low;
        if (i + 1 < pattern.size() && pattern[i] == '-' && pattern[i + 1] != ']') {
            high = fold(pattern[i + 1], ignore_case);
            i += 2;
        }
        const auto value = static_cast<unsigned char>(folded);
        found =
            found || (static_cast<unsigned char>(low) <= value && value <= static_cast<unsigned char>(high));
    }
    if (i >= pattern.size()) {
        ++at;
        return c == '[';
    }
    at = i + 1;
    return found != inverted;
}

// Matches pattern[at] against one byte and moves `at` behind what it used.
bool match_one(std::string_view pattern, std::size_t& at, char c, bool ignore_case) {
    if (pattern[at] == '?') {
        ++at;
        return true;
    }
    if (pattern[at] == '[') return match_bracket(pattern, at, c, ignore_case);
    if (pattern[at] == '\\' && at + 1 < pattern.size()) ++at;
    return fold(pattern[at++], ignore_case) == fold(c, ignore_case);
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view text, bool ignore_case) {
    std::size_t at = 0;
    std::size_t i = 0;
    // Where to go on when a match behind the last '*' fails: only the last star needs to give way.
    std::size_t star = std::string_view::npos;
    std::size_t star_text = 0;
    while (i < text.size()) {
        if (at < pattern.size() && pattern[at] == '*') {
            star = ++at;
            star_text = i;
            continue;
        }
        if (at < pattern.size() && match_one(pattern, at, text[i], ignore_case)) {
            ++i;
            continue;
        }
        if (star == std::string_view::npos) return false;
        at = star;
        i = ++star_text;
    }
    while (at < pattern.size() && pattern[at] == '*')
        ++at;
    return at == pattern.size();
}

}  // namespace halfcell::userland
