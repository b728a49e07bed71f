// SYS_MREMAP: moving grants, and showing one page at two addresses.
// Source: kernel:src/syscall/fs.rs mremap, kernel:src/context/memory.rs AddrSpaceWrapper::move.

#include <algorithm>

#include "abi/flags.h"
#include "kernel_shim/mem/address_space.h"
#include "kernel_shim/mem/address_space_state.h"
#include "kernel_shim/mem/map_request.h"
#include "kernel_shim/mem/move.h"

namespace halfcell::mem {

namespace {

Placement remap_placement(std::uint64_t flags) {
    using Flags = abi::MremapFlags;
    if ((flags & Flags::kFixedReplace) == Flags::kFixedReplace) return Placement::kFixed;
    return (flags & Flags::kFixed) != 0 ? Placement::kFixedNoReplace : Placement::kAnywhere;
}

}  // namespace

Result<std::uint64_t> AddressSpace::remap(std::uint64_t old_address, std::uint64_t old_size,
                                          std::uint64_t new_address, std::uint64_t new_size,
                                          std::uint64_t flags) {
    for (const std::uint64_t word : {old_address, old_size, new_address, new_size})
        if (!machine::page_aligned(word)) return fail(Errno::kEINVAL);
    if (old_size == 0 || new_size == 0) return fail(Errno::kEINVAL);
    const MapRequest request{.address = new_address,
                             .size = new_size,
                             .placement = remap_placement(flags),
                             .protection = protection_of(flags)};
    if ((flags & abi::MremapFlags::kKeepOld) != 0) {
        if (new_size != machine::kPageSize) return fail(Errno::kEOPNOTSUPP);
        return alias(old_address, request);
    }
    Departed departed;
    return state_->books.with([&](Books& books) -> Result<std::uint64_t> {
        const PageRange target = TRY(prepare_target(books, request, old_size, departed));
        const PageRange source = TRY(check_source(books, old_address, old_size, request.protection));
        if (target.overlaps(source)) return fail(Errno::kEBUSY);
        const PageRange moved{source.base, std::min(old_size, new_size)};
        // Only bytes of objects can be shown elsewhere.
        TRY(books.thaw(moved, pool_));
        auto pieces = TRY(pieces_of(books.regions, moved, target, request.protection, pool_));
        if (moved.size < source.size) TRY(books.unmap({moved.end(), source.end() - moved.end()}, departed));
        TRY(books.install(std::move(pieces), departed));
        // The new place shows everything; now the old one goes, and nobody is told, because it all lives on.
        Departed moved_away;
        const Result<void> removed = books.unmap(moved, moved_away);
        moved_away.dismiss();
        if (!removed) {
            Departed undone;
            const bool hidden = books.unmap(target, undone).has_value();
            undone.dismiss();
            if (!hidden) books.machine->kill();
            return fail(removed.error());
        }
        return target.base;
    });
}

// Both addresses show one page.
Result<std::uint64_t> AddressSpace::alias(std::uint64_t old_address, const MapRequest& request) {
    Departed departed;
    return state_->books.with([&](Books& books) -> Result<std::uint64_t> {
        const Grant* const source = TRY(books.shareable_page(old_address, pool_));
        Grant page = source->slice({old_address, machine::kPageSize});
        page.kind = GrantKind::kPrivate;
        page.protection = request.protection;
        page.joined = false;
        page.range = TRY(prepare_target(books, request, request.size, departed));
        const std::uint64_t base = page.range.base;
        std::vector<Grant> grants;
        grants.push_back(std::move(page));
        TRY(books.install(std::move(grants), departed));
        return base;
    });
}

}  // namespace halfcell::mem
