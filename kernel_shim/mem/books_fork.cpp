// The grants and the process of a forked space. Source: kernel:src/context/memory.rs
// AddrSpaceWrapper::try_clone.

#include <algorithm>

#include "kernel_shim/mem/books.h"
#include "kernel_shim/mem/exclusive.h"

namespace halfcell::mem {

bool survives_clone(const Grant& grant) {
    switch (grant.kind) {
        case GrantKind::kPrivate:
        case GrantKind::kPhysical:
            return true;
        case GrantKind::kShared:
        case GrantKind::kBorrowed:
            return !grant.pinned();
        case GrantKind::kContiguous:
        case GrantKind::kFile:
            return false;
    }
    return false;
}

Result<void> Offspring::copy_later(Grant& grant, machine::Pool& pool) {
    copies.push_back({grants.size(), grant});
    grant.object = TRY(pool.allocate(grant.range.size));
    grant.object_offset = 0;
    return {};
}

Result<Offspring> Books::fork(machine::Pool& pool) {
    // The page Linux does not have cannot be copied on write; what lies below it can.
    if (const Grant* const last = regions.find(machine::kHostUserEnd);
        last && last->kind == GrantKind::kPrivate)
        regions.isolate({machine::kHostUserEnd, machine::kPageSize});

    const std::vector<const Grant*> exclusive = exclusive_grants(regions);
    auto next_exclusive = exclusive.begin();
    std::vector<Grant*> freezing;
    Offspring offspring;
    std::uint64_t reserved = 0;
    for (auto region = regions.begin(); region != regions.end(); ++region) {
        Grant& grant = region->second;
        const bool alone = next_exclusive != exclusive.end() && *next_exclusive == &grant;
        if (alone) ++next_exclusive;
        if (!survives_clone(grant)) {
            offspring.left_out.push_back(grant);
            continue;
        }
        Grant copy = grant;
        if (grant.kind == GrantKind::kPrivate) {
            if (!grant.copy_on_write && alone && host_part(grant.range) == grant.range)
                freezing.push_back(&grant);
            else if (!grant.copy_on_write)
                TRY(offspring.copy_later(copy, pool));
            if (copy.object == grant.object) reserved += grant.range.size;
        }
        offspring.grants.push_back(std::move(copy));
    }
    // What the child may come to own. The pages of its parent are paid for by what lies below them.
    const machine::ChargeRef charge = reserved == 0 ? nullptr : TRY(pool.reserve(reserved));
    TRY(freeze(freezing));
    for (Grant& grant : offspring.grants) {
        const Grant* const original = regions.find(grant.range.base);
        if (!original->copy_on_write) continue;
        grant.copy_on_write = true;
        grant.charge = charge;
    }
    offspring.machine = TRY(machine->fork());
    return offspring;
}

// Makes the bytes of grants that nobody else can reach the process's own. Other threads of it run on and
// notice nothing. Errors of the machine; those frozen before stay so.
Result<void> Books::freeze(const std::vector<Grant*>& grants) {
    std::vector<machine::Mapping> mappings;
    mappings.reserve(grants.size());
    for (const Grant* const grant : grants)
        mappings.push_back({.range = grant->range,
                            .object = grant->object.get(),
                            .offset = grant->object_offset,
                            .protection = grant->protection,
                            .sharing = machine::Sharing::kPrivate});
    const machine::Progress progress = machine->map_all(mappings);
    for (std::size_t i = 0; i < progress.done; ++i)
        grants[i]->copy_on_write = true;
    if (!progress.error) return {};
    // Nothing was stored into a mapping that was not made, so the old one can come back.
    if (!show_again(*grants[progress.done])) machine->kill();
    return fail(*progress.error);
}

}  // namespace halfcell::mem
