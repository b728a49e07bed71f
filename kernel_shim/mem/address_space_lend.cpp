// Pages that servers and their callers show each other: buffers for the time of a request, and files.
// Source: kernel:src/scheme/user.rs capture_inner, kernel:src/context/memory.rs Grant::borrow_fmap.

#include <algorithm>
#include <iterator>

#include "kernel_shim/mem/address_space.h"
#include "kernel_shim/mem/address_space_state.h"
#include "kernel_shim/mem/map_request.h"
#include "kernel_shim/mem/move.h"

namespace halfcell::mem {

namespace {

Grant scratch_grant(const MemoryRef& object) {
    return {.range = {0, object->size()}, .kind = GrantKind::kBorrowed, .object = object};
}

// Puts pieces one after the other, from `base` on.
void line_up(std::vector<Grant>& pieces, std::uint64_t base) {
    for (Grant& piece : pieces) {
        piece.range.base = base;
        base = piece.range.end();
    }
}

}  // namespace

Result<std::uint64_t> AddressSpace::show_lent(AddressSpace& source, const LentPages& pages,
                                              Protection protection) {
    std::vector<Grant> pieces;
    if (pages.head) pieces.push_back(scratch_grant(pages.head));
    if (!pages.middle.empty()) {
        std::vector<Grant> borrowed = TRY(source.lend(pages.middle, protection));
        std::move(borrowed.begin(), borrowed.end(), std::back_inserter(pieces));
    }
    if (pages.tail) pieces.push_back(scratch_grant(pages.tail));
    MapRequest request{.protection = protection};
    for (Grant& piece : pieces) {
        piece.protection = protection;
        piece.pins = 1;
        piece.joined = false;
        request.size += piece.range.size;
    }
    // Held until the lock is released: letting go of the last pin takes the lock of the source.
    const std::vector<Grant> held = pieces;
    Departed departed;
    return state_->books.with([&](Books& books) -> Result<std::uint64_t> {
        const PageRange target = TRY(books.place(request, departed));
        line_up(pieces, target.base);
        TRY(books.install(std::move(pieces), departed));
        return target.base;
    });
}

Result<void> AddressSpace::can_lend(PageRange range, Protection protection) const {
    return state_->books.with([&](const Books& books) { return check_lendable(books, range, protection); });
}

void AddressSpace::take_back_lent(PageRange range) {
    Departed departed;
    state_->books.with([&](Books& books) {
        for (auto region = books.regions.first_above(range.base);
             region != books.regions.end() && region->second.range.overlaps(range); ++region)
            region->second.pins = 0;
        // Where the host has no memory left to split a mapping the pages stay, as the server's own.
        (void)books.unmap(range, departed);
    });
}

Result<std::uint64_t> AddressSpace::show_file(AddressSpace& server, std::uint64_t server_address,
                                              const MapRequest& request, std::uint64_t file_offset,
                                              std::shared_ptr<GrantOwner> owner) {
    if (&server == this) return fail(Errno::kEBUSY);
    const auto range = validate_range(server_address, request.size, RangeRule::kSpan);
    if (!range) return fail(Errno::kEIO);
    Departed departed;
    TRY(state_->books.with(
        [&](Books& books) { return prepare_target(books, request, request.size, departed); }));
    auto lent = server.lend(*range, request.protection);
    if (!lent) return fail(lent.error() == Errno::kEINVAL ? Errno::kEIO : lent.error());
    // What pins the server's own file mappings is not kept: the bytes stay without them.
    const std::vector<Grant> held = *lent;
    std::uint64_t offset = file_offset;
    for (Grant& piece : *lent) {
        piece.kind = GrantKind::kFile;
        piece.file_offset = offset;
        piece.owner = owner;
        offset += piece.range.size;
    }
    return state_->books.with([&](Books& books) -> Result<std::uint64_t> {
        const PageRange target = TRY(books.place(request, departed));
        line_up(*lent, target.base);
        TRY(books.install(std::move(*lent), departed));
        return target.base;
    });
}

}  // namespace halfcell::mem
