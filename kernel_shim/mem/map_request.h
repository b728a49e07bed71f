#pragma once

// From the words a caller passed to a MapRequest: every check that needs no address space, before anything
// changes.

#include <cstdint>

#include "abi/data.h"
#include "kernel_shim/mem/address_space.h"

namespace halfcell::mem {

// Who is asking decides which ranges are good and how a bad one is answered.
enum class RangeRule : std::uint8_t {
    // SYS_FMAP without a file, the memory scheme, FUNMAP, MPROTECT: aligned, not empty, end <= kUserEnd, else
    // EINVAL. Source: kernel:src/context/memory.rs PageSpan::validate_nonempty.
    kSpan,
    // Operations written to an addrspace handle and fmap of one: the same, but EFAULT when only the end is
    // too high. Source: kernel:src/syscall/usercopy.rs validate_region.
    kRegion,
    // Files of a scheme: the size is rounded up to pages; a size of 0 or an unaligned address is EINVAL, and
    // so is an end past kUserEnd, which upstream leaves unchecked.
    // Source: kernel:src/scheme/user.rs fmap_inner.
    kFile,
};

// The range [address, address + size) under a rule; EINVAL or EFAULT as the rule says.
[[nodiscard]] Result<PageRange> validate_range(std::uint64_t address, std::uint64_t size, RangeRule rule);

// The write and execute bits of a MapFlags word; PROT_READ changes nothing on Redox.
[[nodiscard]] Protection protection_of(std::uint64_t map_flags);

// MAP_FIXED_NOREPLACE is both of its bits; its upper bit alone means nothing.
[[nodiscard]] Placement placement_of(std::uint64_t map_flags);

// What anonymous memory with these flags is: kShared with MAP_SHARED, else kPrivate. MAP_PRIVATE is not
// looked at. Source: kernel:src/scheme/memory.rs fmap_anonymous.
[[nodiscard]] GrantKind anonymous_kind(std::uint64_t map_flags);

// The request in a Map. Unknown flag bits are ignored, as is the address of a map that may go anywhere (once
// its range has been found good). Errors of validate_range.
[[nodiscard]] Result<MapRequest> map_request(const abi::Map& map, RangeRule rule);

// EINVAL where a word holds bits that no MapFlags constant has; operations written to an addrspace handle
// refuse them, the calls ignore them. Source: kernel:src/scheme/proc.rs.
[[nodiscard]] Result<void> refuse_unknown_map_flags(std::uint64_t map_flags);

}  // namespace halfcell::mem
