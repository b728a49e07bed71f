#include "kernel_shim/mem/region_map.h"

#include <algorithm>
#include <iterator>

#include "kernel_shim/base/check.h"

namespace halfcell::mem {

RegionMap::RegionMap() {
    add_hole(0, machine::kUserEnd);
}

const Grant* RegionMap::find(std::uint64_t address) const {
    const ConstIterator region = first_above(address);
    return region != regions_.end() && region->second.range.contains(address) ? &region->second : nullptr;
}

RegionMap::ConstIterator RegionMap::first_above(std::uint64_t address) const {
    ConstIterator region = regions_.upper_bound(address);
    if (region != regions_.begin()) {
        const ConstIterator below = std::prev(region);
        if (below->second.range.contains(address)) region = below;
    }
    return region;
}

RegionMap::Iterator RegionMap::first_above(std::uint64_t address) {
    Iterator region = regions_.upper_bound(address);
    if (region != regions_.begin()) {
        const Iterator below = std::prev(region);
        if (below->second.range.contains(address)) region = below;
    }
    return region;
}

bool RegionMap::overlaps(PageRange range) const {
    const ConstIterator region = first_above(range.base);
    return region != regions_.end() && region->second.range.overlaps(range);
}

void RegionMap::insert(Grant grant) {
    const PageRange range = grant.range;
    HC_CHECK(!range.empty() && !overlaps(range), "a grant goes into a hole");
    const Iterator next = regions_.upper_bound(range.base);
    const PageRange gap = gap_before(next);
    drop_hole(gap.base, gap.end());
    add_hole(gap.base, range.base);
    add_hole(range.end(), gap.end());
    regions_.emplace_hint(next, range.base, std::move(grant));
}

void RegionMap::isolate(PageRange range) {
    if (range.empty()) return;
    cut(range.base, range);
    cut(range.end(), range);
}

// `inside` tells which side keeps the mark of a contiguous grant: the side that is being worked on.
void RegionMap::cut(std::uint64_t boundary, PageRange inside) {
    const Iterator region = first_above(boundary);
    if (region == regions_.end()) return;
    Grant& low = region->second;
    if (low.range.base >= boundary) {
        if (low.range.base == boundary) low.joined = false;
        return;
    }
    HC_CHECK(!low.pinned(), "a pinned grant is never cut");
    Grant high = low.slice({boundary, low.range.end() - boundary});
    high.joined = false;
    low.range.size = boundary - low.range.base;
    if (low.kind == GrantKind::kContiguous)
        (inside.contains(boundary) ? low : high).kind = GrantKind::kPrivate;
    regions_.emplace_hint(std::next(region), boundary, std::move(high));
}

std::vector<Grant> RegionMap::remove(PageRange range) {
    std::vector<Grant> removed;
    if (range.empty() || !overlaps(range)) return removed;
    isolate(range);
    Iterator region = regions_.lower_bound(range.base);
    while (region != regions_.end() && region->first < range.end()) {
        // The holes on both sides and the region become one hole.
        const PageRange below = gap_before(region);
        const std::uint64_t region_end = region->second.range.end();
        const PageRange above = gap_before(std::next(region));
        drop_hole(below.base, below.end());
        drop_hole(region_end, above.end());
        add_hole(below.base, above.end());
        removed.push_back(std::move(region->second));
        region = regions_.erase(region);
    }
    return removed;
}

std::vector<Grant> RegionMap::remove_all() {
    std::vector<Grant> removed;
    removed.reserve(regions_.size());
    for (auto& [base, grant] : regions_)
        removed.push_back(std::move(grant));
    regions_.clear();
    holes_.clear();
    add_hole(0, machine::kUserEnd);
    return removed;
}

std::optional<std::uint64_t> RegionMap::find_hole(std::uint64_t size, std::uint64_t lowest) const {
    for (auto hole = holes_.lower_bound({size, 0}); hole != holes_.end(); ++hole) {
        const auto [hole_size, hole_base] = *hole;
        const std::uint64_t base = std::max(hole_base, lowest);
        const std::uint64_t end = std::min(hole_base + hole_size, machine::kReservedBase);
        if (base <= end && end - base >= size) return base;
    }
    return std::nullopt;
}

std::vector<abi::GrantDesc> RegionMap::describe() const {
    std::vector<abi::GrantDesc> list;
    const Grant* previous = nullptr;
    for (const auto& [base, grant] : regions_) {
        if (previous && one_grant(*previous, grant)) {
            list.back().size += grant.range.size;
        } else {
            const std::uint64_t offset = grant.kind == GrantKind::kFile ? grant.file_offset : UINT64_MAX;
            list.push_back({base, grant.range.size, grant.flags(), offset});
        }
        previous = &grant;
    }
    return list;
}

PageRange RegionMap::gap_before(ConstIterator position) const {
    const std::uint64_t base = position == regions_.begin() ? 0 : std::prev(position)->second.range.end();
    const std::uint64_t end = position == regions_.end() ? machine::kUserEnd : position->first;
    return {base, end - base};
}

void RegionMap::add_hole(std::uint64_t base, std::uint64_t end) {
    if (base < end) holes_.emplace(end - base, base);
}

void RegionMap::drop_hole(std::uint64_t base, std::uint64_t end) {
    if (base < end) holes_.erase({end - base, base});
}

}  // namespace halfcell::mem
