#pragma once

// From the text of a POSIX regular expression to a tree. Pure; used by regex.cpp.

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace halfcell::userland {

enum class RegexSyntax { kBasic, kExtended, kFixed };

using ByteSet = std::bitset<256>;

enum class Assertion : std::uint8_t {
    kLineStart,
    kLineEnd,
    kWordStart,
    kWordEnd,
    kWordBoundary,
    kNotWordBoundary,
    kNoWordBefore,  // What precedes is not part of a word; grep -w.
    kNoWordAfter,
};

bool is_word_byte(unsigned char byte);

struct RegexNode {
    enum class Kind : std::uint8_t { kEmpty, kBytes, kAssertion, kConcatenation, kAlternation, kRepetition };
    static constexpr std::uint32_t kUnlimited = ~std::uint32_t{0};

    Kind kind = Kind::kEmpty;
    Assertion assertion{};
    ByteSet bytes;
    std::vector<std::uint32_t> children;
    std::uint32_t least = 0;
    std::uint32_t most = 0;
};

struct RegexTree {
    std::vector<RegexNode> nodes;
    std::uint32_t root = 0;
    std::string error;  // Not empty: why there is no tree.
};

// Patterns are alternatives of each other. Supports what GNU grep does, without back-references.
RegexTree parse_regex(const std::vector<std::string_view>& patterns, RegexSyntax syntax, bool ignore_case);

}  // namespace halfcell::userland
