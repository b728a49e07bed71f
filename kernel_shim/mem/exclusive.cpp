#include "kernel_shim/mem/exclusive.h"

#include <algorithm>

namespace halfcell::mem {

namespace {

PageRange shown_bytes(const Grant& grant) {
    return {grant.object_offset, grant.range.size};
}

// References can only be made from one that exists, so when all are ours, nobody can make another behind our
// back. What was stored through one that has gone is then visible to us.
bool all_references_are_ours(const Grant& grant, long ours) {
    if (grant.object.use_count() != ours) return false;
    // Letting go of one more reference orders us behind all who let go of theirs before.
    machine::MemoryRef(grant.object).reset();
    return true;
}

}  // namespace

bool exclusive(const RegionMap& regions, const Grant& grant, PageRange part) {
    const PageRange bytes = shown_bytes(grant.slice(part));
    long ours = 0;
    for (const auto& [base, other] : regions) {
        if (other.object != grant.object) continue;
        if (&other != &grant && shown_bytes(other).overlaps(bytes)) return false;
        ++ours;
    }
    return all_references_are_ours(grant, ours);
}

std::vector<const Grant*> exclusive_grants(const RegionMap& regions) {
    std::vector<const Grant*> by_bytes;
    by_bytes.reserve(regions.size());
    for (const auto& [base, grant] : regions)
        by_bytes.push_back(&grant);
    std::sort(by_bytes.begin(), by_bytes.end(), [](const Grant* left, const Grant* right) {
        if (left->object != right->object) return left->object < right->object;
        return left->object_offset < right->object_offset;
    });
    std::vector<const Grant*> found;
    for (auto first = by_bytes.begin(); first != by_bytes.end();) {
        const auto last = std::find_if(first, by_bytes.end(),
                                       [&](const Grant* grant) { return grant->object != (*first)->object; });
        if (all_references_are_ours(**first, std::distance(first, last))) {
            std::uint64_t end = 0;  // of the bytes that the grants looked at so far show
            for (auto grant = first; grant != last; ++grant) {
                const PageRange bytes = shown_bytes(**grant);
                const bool next_overlaps =
                    std::next(grant) != last && shown_bytes(**std::next(grant)).base < bytes.end();
                if (bytes.base >= end && !next_overlaps) found.push_back(*grant);
                end = std::max(end, bytes.end());
            }
        }
        first = last;
    }
    std::sort(found.begin(), found.end(),
              [](const Grant* left, const Grant* right) { return left->range.base < right->range.base; });
    return found;
}

}  // namespace halfcell::mem
