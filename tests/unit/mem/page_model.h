#pragma once

// The simplest address space there is: an array of pages. What the real one is compared with.

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "kernel_shim/mem/grant.h"

namespace halfcell::mem::model {

inline constexpr std::uint64_t kPages = 96;

struct Page {
    GrantKind kind = GrantKind::kPrivate;
    Protection protection;
    std::shared_ptr<int> value = std::make_shared<int>(0);  // shared by pages that alias
};

// Page numbers instead of addresses; everything above kPages is one hole.
class PageModel {
  public:
    std::array<std::optional<Page>, kPages> pages;

    [[nodiscard]] bool free(std::uint64_t first, std::uint64_t count) const {
        return std::none_of(pages.begin() + static_cast<std::ptrdiff_t>(first),
                            pages.begin() + static_cast<std::ptrdiff_t>(first + count),
                            [](const auto& page) { return page.has_value(); });
    }

    // Best fit by asking every hole.
    [[nodiscard]] std::optional<std::uint64_t> find_hole(std::uint64_t count, std::uint64_t lowest) const {
        std::optional<std::uint64_t> best;
        std::uint64_t best_size = UINT64_MAX;
        for (std::uint64_t at = 0; at < kPages;) {
            if (pages[at]) {
                ++at;
                continue;
            }
            std::uint64_t end = at;
            while (end < kPages && !pages[end])
                ++end;
            const std::uint64_t real_end = end == kPages ? machine::kUserEnd / machine::kPageSize : end;
            const std::uint64_t usable = std::max(at, lowest);
            if (usable + count <= real_end && real_end - at < best_size) {
                best = usable;
                best_size = real_end - at;
            }
            at = end;
        }
        if (!best && pages[kPages - 1]) best = std::max(kPages, lowest);
        return best;
    }

    void clear(std::uint64_t first, std::uint64_t count) {
        for (std::uint64_t at = first; at < first + count; ++at)
            pages[at].reset();
    }
};

}  // namespace halfcell::mem::model
