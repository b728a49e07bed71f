#pragma once

// The steps that moving within one address space and moving between two have in common. Internal to this
// folder; all need the lock of the address space whose books they take.
// Source: kernel:src/context/memory.rs AddrSpaceWrapper::move.

#include <cstdint>
#include <vector>

#include "kernel_shim/mem/books.h"

namespace halfcell::mem {

// Chooses where `request.size` bytes go that come from `source_size` bytes elsewhere, and clears the place: a
// hole is chosen to hold the larger of the two; a kFixed target is unmapped now, whatever fails later.
// ENOMEM, EINVAL (a fixed range past kUserEnd, which upstream maps), EEXIST, EBUSY.
Result<PageRange> prepare_target(Books& books, const MapRequest& request, std::uint64_t source_size,
                                 Departed& departed);

// The source range, if its grants can be moved and have the rights: EINVAL past kUserEnd, EBUSY pinned, EPERM
// where a grant that is not private would gain a right. Holes are fine.
Result<PageRange> check_source(const Books& books, std::uint64_t address, std::uint64_t size,
                               Protection protection);

// Whether others may be shown the range with these rights: EINVAL for a hole, EPERM where a grant cannot have
// them.
Result<void> check_lendable(const Books& books, PageRange range, Protection protection);

// What `target` shows when the grants in `moved` (not larger) have moved there: copies of them, and fresh
// zero pages where the source has holes or ends early. Changes nothing. ENOMEM.
Result<std::vector<Grant>> pieces_of(const RegionMap& source, PageRange moved, PageRange target,
                                     Protection protection, machine::Pool& pool);

}  // namespace halfcell::mem
