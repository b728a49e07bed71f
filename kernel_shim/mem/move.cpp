#include "kernel_shim/mem/move.h"

#include <algorithm>

#include "kernel_shim/mem/map_request.h"

namespace halfcell::mem {

Result<PageRange> prepare_target(Books& books, const MapRequest& request, std::uint64_t source_size,
                                 Departed& departed) {
    if (request.placement == Placement::kAnywhere) {
        const auto base = books.regions.find_hole(std::max(request.size, source_size), books.lowest_mappable);
        if (!base) return fail(Errno::kENOMEM);
        return PageRange{*base, request.size};
    }
    TRY(validate_range(request.address, request.size, RangeRule::kSpan));
    const PageRange range = TRY(books.place(request, departed));
    if (request.placement == Placement::kFixed) TRY(books.unmap(range, departed));
    return range;
}

Result<PageRange> check_source(const Books& books, std::uint64_t address, std::uint64_t size,
                               Protection protection) {
    const PageRange range = TRY(validate_range(address, size, RangeRule::kSpan));
    const auto first = books.regions.first_above(range.base);
    const auto inside = [&](RegionMap::ConstIterator region) {
        return region != books.regions.end() && region->second.range.overlaps(range);
    };
    for (auto region = first; inside(region); ++region)
        if (region->second.pinned()) return fail(Errno::kEBUSY);
    for (auto region = first; inside(region); ++region)
        if (!region->second.can_have(protection)) return fail(Errno::kEPERM);
    return range;
}

Result<void> check_lendable(const Books& books, PageRange range, Protection protection) {
    auto region = books.regions.first_above(range.base);
    for (std::uint64_t at = range.base; at < range.end(); ++region) {
        if (region == books.regions.end() || !region->second.range.contains(at)) return fail(Errno::kEINVAL);
        if (!region->second.can_have(protection)) return fail(Errno::kEPERM);
        at = region->second.range.end();
    }
    return {};
}

Result<std::vector<Grant>> pieces_of(const RegionMap& source, PageRange moved, PageRange target,
                                     Protection protection, machine::Pool& pool) {
    std::vector<Grant> pieces;
    std::uint64_t at = target.base;
    const auto fill_up_to = [&](std::uint64_t end) -> Result<void> {
        if (at >= end) return {};
        pieces.push_back(Grant{.range = {at, end - at},
                               .kind = GrantKind::kPrivate,
                               .protection = protection,
                               .object = TRY(pool.allocate(end - at))});
        at = end;
        return {};
    };
    for (auto region = source.first_above(moved.base);
         region != source.end() && region->second.range.overlaps(moved); ++region) {
        const PageRange part = region->second.range.intersection(moved);
        TRY(fill_up_to(target.base + (part.base - moved.base)));
        Grant piece = region->second.slice(part);
        piece.range.base = at;
        piece.protection = protection;
        if (part.base == moved.base) piece.joined = false;
        at = piece.range.end();
        pieces.push_back(std::move(piece));
    }
    TRY(fill_up_to(target.end()));
    return pieces;
}

}  // namespace halfcell::mem
