#include "userland/lib/ranges.h"

#include <algorithm>

#include "userland/lib/number.h"

namespace halfcell::userland {
namespace {

std::optional<Range> parse_range(std::string_view text, std::string& error) {
    const std::size_t dash = text.find('-');
    const std::string_view low = text.substr(0, dash);
    const std::string_view high = dash == std::string_view::npos ? low : text.substr(dash + 1);
    if (low.empty() && high.empty()) {
        error = "invalid range with no endpoint: -";
        return {};
    }
    const auto first = low.empty() ? std::optional<std::uint64_t>(1) : parse_unsigned(low);
    const auto last = high.empty() ? std::optional<std::uint64_t>(Range::kOpen) : parse_unsigned(high);
    if (!first || !last) {
        error = "invalid field value '" + std::string(text) + "'";
        return {};
    }
    if (*first == 0) {
        error = "fields are numbered from 1";
        return {};
    }
    if (*last < *first) {
        error = "invalid decreasing range";
        return {};
    }
    return Range{*first, *last};
}

}  // namespace

std::optional<std::vector<Range>> parse_ranges(std::string_view list, std::string& error) {
    std::vector<Range> ranges;
    for (;;) {
        const std::size_t end = list.find_first_of(", ");
        if (list.empty() || end == 0) {
            error = "fields are numbered from 1";
            return {};
        }
        const auto range = parse_range(list.substr(0, end), error);
        if (!range) return {};
        ranges.push_back(*range);
        if (end == std::string_view::npos) break;
        list.remove_prefix(end + 1);
    }
    std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
    std::vector<Range> joined;
    for (const Range& range : ranges) {
        const bool touches =
            !joined.empty() && (joined.back().last == Range::kOpen || range.first <= joined.back().last + 1);
        if (touches) {
            joined.back().last = std::max(joined.back().last, range.last);
        } else {
            joined.push_back(range);
        }
    }
    return joined;
}

std::vector<Range> complement(const std::vector<Range>& ranges) {
    std::vector<Range> result;
    std::uint64_t next = 1;
    for (const Range& range : ranges) {
        if (range.first > next) result.push_back({next, range.first - 1});
        if (range.last == Range::kOpen) return result;
        next = range.last + 1;
    }
    result.push_back({next, Range::kOpen});
    return result;
}

}  // namespace halfcell::userland
