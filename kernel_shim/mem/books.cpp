#include "kernel_shim/mem/books.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "kernel_shim/base/check.h"

namespace halfcell::mem {

namespace {

// With more grants than this, looking for what shows an object would cost more than its memory is worth.
constexpr std::size_t kMostSearched = 4096;

Result<void> show(machine::Machine& machine, const Grant& grant) {
    const PageRange part = host_part(grant.range);
    if (part.empty()) return {};
    return machine.map(part, *grant.object, grant.object_offset, grant.protection, populate_for(grant));
}

}  // namespace

PageRange host_part(PageRange range) {
    return range.intersection({0, machine::kHostUserEnd});
}

machine::Populate populate_for(const Grant& grant) {
    // Small mappings are made present at once: a page table entry costs less than the fault it saves. The
    // number is upstream's. Source: kernel:src/context/memory.rs Grant::zeroed MAX_EAGER_PAGES.
    constexpr std::uint64_t kEagerBytes = 16 * machine::kPageSize;
    // A buffer lent to a server will be used, and used once: faults would cost more than the copying.
    // Upstream makes up to 4096 pages of it present. Source: same, Grant::borrow.
    constexpr std::uint64_t kEagerLentBytes = 512 * machine::kPageSize;
    const bool lent = grant.kind == GrantKind::kBorrowed && grant.pinned();
    const std::uint64_t eager = lent ? kEagerLentBytes : kEagerBytes;
    return host_part(grant.range).size <= eager ? machine::Populate::kNow : machine::Populate::kOnTouch;
}

Result<void> unless_gone(Result<void> result) {
    if (!result && result.error() == Errno::kESRCH) return {};
    return result;
}

Departed::~Departed() {
    for (const Grant& grant : grants_)
        if (grant.kind == GrantKind::kFile && grant.owner)
            grant.owner->unmapped(grant.file_offset, grant.range.size, grant.protection.write);
    for (const Grant& grant : grants_)
        if (grant.charge) grant.charge->release(grant.range.size);
    for (const Grant& part : discarded_)
        part.object->discard({part.object_offset, part.range.size});
}

void Departed::add(std::vector<Grant> grants) {
    if (grants_.empty()) {
        grants_ = std::move(grants);
        return;
    }
    std::move(grants.begin(), grants.end(), std::back_inserter(grants_));
}

Result<PageRange> Books::place(const MapRequest& request, Departed& departed) {
    if (request.placement == Placement::kAnywhere) {
        const auto base = choose(request.size);
        if (!base) return fail(Errno::kENOMEM);
        return PageRange{*base, request.size};
    }
    const PageRange range{request.address, request.size};
    // Where guests may map every page, page 0 is one of them.
    const bool too_low = host_lowest_ > machine::kPageSize && range.base < host_lowest_;
    if (too_low || range.overlaps(machine::kReservedRange)) return fail(Errno::kENOMEM);
    if (request.placement == Placement::kFixedNoReplace) {
        if (regions.overlaps(range)) return fail(Errno::kEEXIST);
    } else if (first_pinned(range)) {
        TRY(unmap(range, departed));
    }
    return range;
}

std::optional<std::uint64_t> Books::choose(std::uint64_t size) const {
    return regions.find_hole(size, std::max(lowest_mappable, host_lowest_));
}

Result<void> Books::install(std::vector<Grant> grants, Departed& departed) {
    HC_CHECK(!grants.empty(), "there is something to install");
    const std::uint64_t base = grants.front().range.base;
    const PageRange range{base, grants.back().range.end() - base};
    if (machine) {
        for (const Grant& grant : grants) {
            const Result<void> shown = unless_gone(show(*machine, grant));
            if (shown) continue;
            // Linux may have removed what was there before it failed, so the whole range goes.
            if (!hide(range)) machine->kill();
            take_out(range, departed);
            return shown;
        }
    }
    take_out(range, departed);
    for (Grant& grant : grants)
        regions.insert(std::move(grant));
    return {};
}

Result<void> Books::unmap(PageRange range, Departed& departed) {
    const Grant* const pinned = first_pinned(range);
    if (pinned) range.size = std::max(pinned->range.base, range.base) - range.base;
    // Never in one stroke across the reserved range: the stub lives there.
    const std::array<PageRange, 2> parts = {
        range.intersection({0, machine::kReservedBase}),
        range.intersection({machine::kReservedEnd, machine::kUserEnd - machine::kReservedEnd})};
    for (const PageRange part : parts) {
        if (part.empty() || !regions.overlaps(part)) continue;
        const std::uint64_t first = regions.first_above(part.base)->second.range.base;
        const auto beyond = regions.first_above(part.end() - 1);
        const bool reaches_end = beyond != regions.end() && beyond->first < part.end();
        const std::uint64_t last_end = reaches_end ? part.end() : std::prev(beyond)->second.range.end();
        const std::uint64_t base = std::max(part.base, first);
        TRY(hide({base, last_end - base}));
        take_out(part, departed);
    }
    if (pinned) return fail(Errno::kEBUSY);
    return {};
}

Result<void> Books::protect(PageRange range, Protection protection) {
    std::uint64_t at = range.base;
    while (true) {
        const auto region = regions.first_above(at);
        if (region == regions.end() || !region->second.range.overlaps(range)) return {};
        Grant& whole = region->second;
        if (whole.pinned()) return fail(Errno::kEBUSY);
        const PageRange part = whole.range.intersection(range);
        // Upstream splits first and asks afterwards; the list of grants shows that.
        regions.isolate(part);
        Grant& grant = regions.first_above(part.base)->second;
        if (!grant.can_have(protection)) return fail(Errno::kEACCES);
        const PageRange shown = host_part(part);
        if (machine && !shown.empty() && grant.protection != protection)
            TRY(unless_gone(machine->protect(shown, protection)));
        grant.protection = protection;
        at = part.end();
    }
}

Result<void> Books::replay(machine::Machine& fresh) const {
    for (const auto& [base, grant] : regions)
        TRY(show(fresh, grant));
    return {};
}

bool Books::show_again(const Grant& grant) {
    return unless_gone(show(*machine, grant)).has_value();
}

Result<void> Books::hide(PageRange range) {
    const PageRange part = host_part(range);
    if (!machine || part.empty()) return {};
    return unless_gone(machine->unmap(part));
}

void Books::take_out(PageRange range, Departed& departed) {
    std::vector<Grant> removed = regions.remove(range);
    // Asked for all before any is copied: a copy is one more reference.
    std::vector<const Grant*> unreached;
    for (const Grant& grant : removed)
        if (unreachable(grant, removed)) unreached.push_back(&grant);
    for (const Grant* const grant : unreached)
        departed.discard(*grant);
    departed.add(std::move(removed));
}

// Whether a part of an object that stays has become bytes nobody can look at: every reference to the object
// is a grant in these books (or one just removed), and none of those that stay shows the part. Who holds an
// object otherwise, for I/O or in another space, may look at all of it.
bool Books::unreachable(const Grant& gone, const std::vector<Grant>& removed) const {
    const bool anonymous = gone.kind == GrantKind::kPrivate || gone.kind == GrantKind::kShared;
    if (!anonymous || gone.range.size == gone.object->size() || regions.size() > kMostSearched) return false;
    long staying = 0;
    for (const auto& [base, grant] : regions) {
        if (grant.object != gone.object) continue;
        const PageRange shown{grant.object_offset, grant.range.size};
        if (shown.overlaps({gone.object_offset, gone.range.size})) return false;
        ++staying;
    }
    const auto leaving = std::count_if(removed.begin(), removed.end(),
                                       [&](const Grant& grant) { return grant.object == gone.object; });
    return staying != 0 && gone.object.use_count() == staying + leaving;
}

const Grant* Books::first_pinned(PageRange range) const {
    for (auto region = regions.first_above(range.base);
         region != regions.end() && region->second.range.overlaps(range); ++region)
        if (region->second.pinned()) return &region->second;
    return nullptr;
}

}  // namespace halfcell::mem
