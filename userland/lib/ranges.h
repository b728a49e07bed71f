#pragma once

// Lists of positions such as cut's "1,3-5,7-". Pure; tested on the host.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace halfcell::userland {

struct Range {
    std::uint64_t first;  // Counted from 1.
    std::uint64_t last;   // Inclusive; kOpen for "7-".
    static constexpr std::uint64_t kOpen = ~std::uint64_t{0};
};

// Sorted, with overlapping and touching ranges joined; nothing and an `error` where the list is none.
std::optional<std::vector<Range>> parse_ranges(std::string_view list, std::string& error);

// All positions that are not in the list.
std::vector<Range> complement(const std::vector<Range>& ranges);

}  // namespace halfcell::userland
