#include "kernel_shim/base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace halfcell {

std::uint64_t xxh3_64(std::string_view bytes) {
    return XXH3_64bits(bytes.data(), bytes.size());
}

std::string xxh3_text(std::uint64_t hash) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text = "xxh3:";
    for (int shift = 60; shift >= 0; shift -= 4)
        text += kDigits[hash >> shift & 0xf];
    return text;
}

}  // namespace halfcell
