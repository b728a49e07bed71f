#include "schemes/common/wire.h"

#include <charconv>

namespace halfcell::schemes {

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace halfcell::schemes
