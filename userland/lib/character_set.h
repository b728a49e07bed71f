#pragma once

// The sets of tr. Pure; tested on the host.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace halfcell::userland {

struct CharacterSet {
    std::vector<std::uint8_t> bytes;  // In the order written, repeats included.
    // Position and byte of "[x*]", which fills the set to the length of the other one.
    std::optional<std::size_t> filler_at;
    std::uint8_t filler = 0;
};

// Ranges "a-z", classes "[:alpha:]", "[=c=]", repeats "[x*3]" "[x*]", escapes. Nothing and an `error`
// otherwise.
std::optional<CharacterSet> parse_character_set(std::string_view text, std::string& error);

// All bytes that are not in the set, ascending.
std::vector<std::uint8_t> complement(const std::vector<std::uint8_t>& bytes);

// The table tr translates with: byte i of `from` becomes byte i of `to`, whose last byte stands for all that
// lack. `to` must not be empty. Fillers of `to` are expanded.
std::array<std::uint8_t, 256> translation_table(const std::vector<std::uint8_t>& from,
                                                const CharacterSet& to);

}  // namespace halfcell::userland
