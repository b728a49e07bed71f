// Taking pages out of what they share an object with, so that they can be shared themselves: the bytes move
// to an object of their own while the guest runs on.

#include <algorithm>

#include "kernel_shim/mem/books.h"
#include "kernel_shim/mem/exclusive.h"
#include "kernel_shim/mem/page_copy.h"

namespace halfcell::mem {

Result<const Grant*> Books::shareable_page(std::uint64_t address, machine::Pool& pool) {
    const PageRange page{machine::page_round_down(address), machine::kPageSize};
    const Grant* const grant = regions.find(page.base);
    if (!grant) return fail(Errno::kEINVAL);
    if (grant->kind != GrantKind::kPrivate && grant->kind != GrantKind::kContiguous)
        return fail(Errno::kEPERM);
    if (!grant->protection.write) return fail(Errno::kENOMEM);
    const bool alone = grant->object->size() == page.size;
    const bool movable = grant->kind == GrantKind::kPrivate && !alone && exclusive(regions, *grant, page);
    if (grant->copy_on_write || movable) TRY(move_out(page, pool));
    return regions.find(page.base);
}

void Books::reached_through_process(std::uint64_t address, machine::Pool& pool) {
    if (!hot_pages_.accessed(address)) return;
    // Where there is no memory for it, it stays as it is.
    (void)move_out({machine::page_round_down(address), machine::kPageSize}, pool);
}

Result<void> Books::thaw(PageRange range, machine::Pool& pool) {
    for (std::uint64_t at = range.base; at < range.end();) {
        const auto region = regions.first_above(at);
        if (region == regions.end() || !region->second.range.overlaps(range)) break;
        const PageRange part = region->second.range.intersection(range);
        at = part.end();
        if (region->second.copy_on_write) TRY(move_out(part, pool));
    }
    return {};
}

Result<void> Books::move_out(PageRange part, machine::Pool& pool) {
    const MemoryRef own = TRY(pool.allocate(part.size));
    TRY(show_moved(regions.find(part.base)->slice(part), own));
    const std::vector<Grant> before = regions.remove(part);
    Grant after = before.front();
    after.object = own;
    after.object_offset = 0;
    after.copy_on_write = false;
    after.charge = nullptr;
    regions.insert(std::move(after));
    const Grant& old = before.front();
    if (old.charge) old.charge->release(part.size);
    if (unreachable(old, before)) old.object->discard({old.object_offset, part.size});
    return {};
}

// Copies what a grant shows to `own`, and lets the process show that instead.
Result<void> Books::show_moved(const Grant& grant, const MemoryRef& own) {
    const PageRange shown = host_part(grant.range);
    if (!machine || shown.empty()) return copy_pages(grant, nullptr, *own, 0);
    const auto protect = [&](Protection protection) -> Result<void> {
        if (!grant.protection.write) return {};
        return unless_gone(machine->protect(shown, protection));
    };
    const auto map = [&] {
        return unless_gone(machine->map(shown, *own, 0, grant.protection, populate_for(grant)));
    };
    // A store that came between copying and mapping would be lost, so none is let through. A thread that
    // tries meets a fault, and its worker asks held_up.
    ++moves_;
    Result<void> moved = protect({.execute = grant.protection.execute});
    if (moved) moved = copy_pages(grant, machine.get(), *own, 0);
    if (moved) {
        moved = map();
        // Linux removes what was there and then fails, or fails at once; in the former case only the copy is
        // left.
        std::byte first{};
        if (!moved && !machine->read(shown.base, std::span(&first, 1))) {
            moved = map();
            if (!moved) machine->kill();
            return moved;
        }
    }
    if (!moved && !protect(grant.protection)) machine->kill();
    return moved;
}

bool Books::held_up(std::uint64_t address, std::uint64_t& moves) const {
    const Grant* const grant = regions.find(address);
    if (!grant || !grant->protection.write || moves_ == moves) return false;
    moves = moves_;
    return true;
}

}  // namespace halfcell::mem
