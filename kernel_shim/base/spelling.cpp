#include "kernel_shim/base/spelling.h"

#include <algorithm>
#include <vector>

namespace halfcell {

// Row by row of the table of distances between beginnings, of which a swap needs the last two.
std::size_t edit_distance(std::string_view from, std::string_view to) {
    std::vector<std::size_t> before_last;
    std::vector<std::size_t> last(to.size() + 1);
    for (std::size_t j = 0; j <= to.size(); ++j)
        last[j] = j;
    for (std::size_t i = 1; i <= from.size(); ++i) {
        std::vector<std::size_t> row(to.size() + 1, i);
        for (std::size_t j = 1; j <= to.size(); ++j) {
            const std::size_t replaced = last[j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
            const bool swapped = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
            if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
        }
        before_last = std::move(last);
        last = std::move(row);
    }
    return last.back();
}

std::optional<std::string> similar_word(std::string_view word, std::span<const std::string> known) {
    constexpr std::size_t kMostLetters = 3;
    const std::size_t allowed = std::clamp<std::size_t>(word.size() / 3, 1, kMostLetters);
    std::optional<std::string> best;
    std::size_t least = allowed + 1;
    for (const std::string& candidate : known) {
        const bool begun = !word.empty() && candidate.starts_with(word);
        const std::size_t distance = begun ? 1 : edit_distance(word, candidate);
        if (distance >= least) continue;
        least = distance;
        best = candidate;
    }
    return best;
}

}  // namespace halfcell
