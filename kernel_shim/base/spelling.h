#pragma once

// What somebody may have meant who typed a word that is none.

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace halfcell {

// How many letters have to be put in, left out, replaced, or swapped with their neighbour to make one word of
// the other. Pure.
[[nodiscard]] std::size_t edit_distance(std::string_view from, std::string_view to);

// The known word that is most like `word`: one that begins with it, or differs in few letters (one of three,
// but one at least and three at most). The first of several that are equally like it; nullopt where none is.
// Pure.
[[nodiscard]] std::optional<std::string> similar_word(std::string_view word,
                                                      std::span<const std::string> known);

}  // namespace halfcell
