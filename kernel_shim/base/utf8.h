#pragma once

// Which byte strings Redox takes for text.

#include <cstdint>
#include <string_view>

namespace halfcell {

// Whether `bytes` is well-formed UTF-8 as Rust's str::from_utf8 decides: shortest forms only, no surrogates,
// nothing above U+10FFFF.
[[nodiscard]] constexpr bool is_utf8(std::string_view bytes) {
    const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); };
    for (std::size_t at = 0; at < bytes.size();) {
        const std::uint8_t lead = byte(at);
        std::size_t more = 0;
        // The range of the first continuation byte rules out long forms, surrogates and too large values.
        std::uint8_t lowest = 0x80;
        std::uint8_t highest = 0xbf;
        if (lead < 0x80) {
            more = 0;
        } else if (lead >= 0xc2 && lead <= 0xdf) {
            more = 1;
        } else if (lead >= 0xe0 && lead <= 0xef) {
            more = 2;
            if (lead == 0xe0) lowest = 0xa0;
            if (lead == 0xed) highest = 0x9f;
        } else if (lead >= 0xf0 && lead <= 0xf4) {
            more = 3;
            if (lead == 0xf0) lowest = 0x90;
            if (lead == 0xf4) highest = 0x8f;
        } else {
            return false;
        }
        if (bytes.size() - at <= more) return false;
        for (std::size_t i = 1; i <= more; ++i) {
            const std::uint8_t next = byte(at + i);
            if (next < lowest || next > highest) return false;
            lowest = 0x80;
            highest = 0xbf;
        }
        at += more + 1;
    }
    return true;
}

}  // namespace halfcell
