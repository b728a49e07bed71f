#include "userland/lib/escape.h"

namespace halfcell::userland {
namespace {

int digit_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return 99;
}

// Up to `most` digits of a base at text[at]; -1 where there is none.
int take_digits(std::string_view text, std::size_t& at, int base, int most) {
    int value = -1;
    for (int i = 0; i < most && at < text.size() && digit_value(text[at]) < base; ++i) {
        value = (value < 0 ? 0 : value) * base + digit_value(text[at++]);
    }
    return value;
}

}  // namespace

bool unescape_one(std::string_view text, std::size_t& at, OctalStyle style, std::string& result) {
    const std::size_t begin = at++;
    if (at == text.size()) {
        result.push_back('\\');
        return false;
    }
    constexpr std::string_view kLetters = "abefnrtv\\";
    constexpr std::string_view kMeanings = "\a\b\x1b\f\n\r\t\v\\";
    if (const std::size_t known = kLetters.find(text[at]); known != std::string_view::npos) {
        result.push_back(kMeanings[known]);
        ++at;
        return false;
    }
    if (text[at] == 'c') {
        ++at;
        return true;
    }
    if (style == OctalStyle::kPlain && text[at] == '"') {
        result.push_back(text[at++]);
        return false;
    }
    int value = -1;
    if (text[at] == 'x') {
        ++at;
        value = take_digits(text, at, 16, 2);
    } else if (style == OctalStyle::kZeroPrefixed && text[at] == '0') {
        ++at;
        value = take_digits(text, at, 8, 3);
        if (value < 0) value = 0;
    } else if (style == OctalStyle::kPlain) {
        value = take_digits(text, at, 8, 3);
    }
    if (value >= 0) {
        result.push_back(static_cast<char>(value));
        return false;
    }
    // Not an escape: the backslash and what follows it stay.
    at = begin + 2;
    result.append(text.substr(begin, 2));
    return false;
}

Unescaped unescape(std::string_view text, OctalStyle style) {
    Unescaped result;
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] != '\\') {
            result.text.push_back(text[at++]);
            continue;
        }
        if (unescape_one(text, at, style, result.text)) {
            result.stopped = true;
            break;
        }
    }
    return result;
}

}  // namespace halfcell::userland
