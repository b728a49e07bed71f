// The copy of an address space a forked program gets.
// Source: kernel:src/context/memory.rs AddrSpaceWrapper::try_clone.

#include <iterator>

#include "kernel_shim/mem/address_space.h"
#include "kernel_shim/mem/address_space_state.h"
#include "kernel_shim/mem/page_copy.h"

namespace halfcell::mem {

namespace {

using Iterator = std::vector<Grant>::const_iterator;

// One private grant of Redox, which may be several here, as one new object.
Result<Grant> copy_of(Iterator first, Iterator last, machine::Pool& pool) {
    Grant copy = *first;
    copy.range.size = std::prev(last)->range.end() - first->range.base;
    copy.object = TRY(pool.allocate(copy.range.size));
    copy.object_offset = 0;
    for (Iterator piece = first; piece != last; ++piece)
        TRY(copy_pages(*piece, nullptr, *copy.object, piece->range.base - copy.range.base));
    return copy;
}

// The grants of a clone of a space that has no process; `list` has those of the space.
Result<std::vector<Grant>> copy_all(const std::vector<Grant>& list, machine::Pool& pool) {
    std::vector<Grant> copies;
    for (Iterator grant = list.begin(); grant != list.end();) {
        Iterator next = std::next(grant);
        if (grant->kind == GrantKind::kPrivate) {
            while (next != list.end() && one_grant(*std::prev(next), *next))
                ++next;
            copies.push_back(TRY(copy_of(grant, next, pool)));
        } else if (survives_clone(*grant)) {
            copies.push_back(*grant);
        }
        grant = next;
    }
    return copies;
}

// Lets the process of a forked space show what its grants say.
Result<void> complete(const Offspring& offspring) {
    std::vector<machine::Mapping> mappings;
    for (const Grant& grant : offspring.left_out)
        if (const PageRange shown = host_part(grant.range); !shown.empty())
            mappings.push_back({.range = shown});
    for (const Offspring::Copy& copy : offspring.copies) {
        const Grant& grant = offspring.grants[copy.grant];
        TRY(copy_pages(copy.from, nullptr, *grant.object, 0));
        if (const PageRange shown = host_part(grant.range); !shown.empty())
            mappings.push_back({.range = shown,
                                .object = grant.object.get(),
                                .protection = grant.protection,
                                .populate = populate_for(grant)});
    }
    if (mappings.empty()) return {};
    const machine::Progress progress = offspring.machine->map_all(mappings);
    if (progress.error) return unless_gone(fail(*progress.error));
    return {};
}

}  // namespace

Result<std::shared_ptr<AddressSpace>> AddressSpace::clone() {
    // Either way every object is held, so the bytes can be copied without the lock.
    std::vector<Grant> list;
    Offspring offspring;
    const auto taken = state_->books.with([&](Books& books) -> Result<void> {
        if (books.machine) {
            offspring = TRY(books.fork(pool_));
        } else {
            for (const auto& [base, grant] : books.regions)
                list.push_back(grant);
        }
        return {};
    });
    TRY(taken);
    if (offspring.machine)
        TRY(complete(offspring));
    else
        offspring.grants = TRY(copy_all(list, pool_));
    auto copy = create(pool_, factory_);
    copy->state_->books.with([&](Books& books) {
        for (Grant& grant : offspring.grants)
            books.regions.insert(std::move(grant));
        books.machine = std::move(offspring.machine);
        copy->state_->machine.store(books.machine.get(), std::memory_order_release);
    });
    return copy;
}

}  // namespace halfcell::mem
