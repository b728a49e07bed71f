// The copy of an address space a forked program gets.
// Source: kernel:src/context/memory.rs AddrSpaceWrapper::try_clone.

#include <algorithm>
#include <array>

#include "kernel_shim/mem/address_space.h"
#include "kernel_shim/mem/address_space_state.h"

namespace halfcell::mem {

namespace {

bool survives(const Grant& grant) {
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

// Copies [from_offset, from_offset + size) page by page. Pages of zeros are left alone, so that what was
// never touched takes no memory in the copy either.
Result<void> copy_bytes(const MemoryObject& from, std::uint64_t from_offset, MemoryObject& to,
                        std::uint64_t to_offset, std::uint64_t size) {
    static constexpr std::array<std::byte, machine::kPageSize> kZeros{};
    std::array<std::byte, machine::kPageSize> page;
    std::uint64_t done = 0;
    while (done < size) {
        const machine::Extent data = from.next_data(from_offset + done);
        if (data.size == 0 || data.offset >= from_offset + size) return {};
        done = std::max(from_offset + done, machine::page_round_down(data.offset)) - from_offset;
        const std::uint64_t end = std::min(data.offset + data.size, from_offset + size) - from_offset;
        for (; done < end; done += page.size()) {
            TRY(from.read(from_offset + done, page));
            if (page != kZeros) TRY(to.write(to_offset + done, page));
        }
    }
    return {};
}

using Iterator = std::vector<Grant>::const_iterator;

// One private grant of Redox, which may be several here, as one new object.
Result<Grant> copy_of(Iterator first, Iterator last, machine::Pool& pool) {
    Grant copy = *first;
    copy.range.size = std::prev(last)->range.end() - first->range.base;
    copy.object = TRY(pool.allocate(copy.range.size));
    copy.object_offset = 0;
    for (Iterator piece = first; piece != last; ++piece)
        TRY(copy_bytes(*piece->object, piece->object_offset, *copy.object,
                       piece->range.base - copy.range.base, piece->range.size));
    return copy;
}

}  // namespace

Result<std::shared_ptr<AddressSpace>> AddressSpace::clone() const {
    // The list holds every object, so the bytes can be copied without the lock.
    const std::vector<Grant> list = grants();
    std::vector<Grant> copies;
    for (Iterator grant = list.begin(); grant != list.end();) {
        Iterator next = std::next(grant);
        if (grant->kind == GrantKind::kPrivate) {
            while (next != list.end() && one_grant(*std::prev(next), *next))
                ++next;
            copies.push_back(TRY(copy_of(grant, next, pool_)));
        } else if (survives(*grant)) {
            copies.push_back(*grant);
        }
        grant = next;
    }
    auto copy = create(pool_, factory_);
    copy->state_->books.with([&](Books& books) {
        for (Grant& grant : copies)
            books.regions.insert(std::move(grant));
    });
    return copy;
}

}  // namespace halfcell::mem
