#pragma once

// Hashes of byte strings. The only user of xxHash.

#include <cstdint>
#include <string>
#include <string_view>

namespace halfcell {

// XXH3, 64 bits, seed 0. Never blocks, never fails.
[[nodiscard]] std::uint64_t xxh3_64(std::string_view bytes);

// A 64-bit hash as text: "xxh3:" and sixteen hexadecimal digits, most significant first (xxHash's canonical
// form).
[[nodiscard]] std::string xxh3_text(std::uint64_t hash);

}  // namespace halfcell
