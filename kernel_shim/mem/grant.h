#pragma once

// A grant: a range of guest pages and what backs it.
// Source of the kinds: kernel:src/context/memory.rs Provider.

#include <cstdint>
#include <memory>

#include "kernel_shim/machine/machine.h"

namespace halfcell::mem {

using machine::MemoryObject;
using machine::MemoryRef;
using machine::PageRange;
using machine::Protection;

// Who wants to know when a file-backed grant (or a piece of one) disappears: it keeps the description open
// and sends the scheme its Munmap. Called without any lock held.
class GrantOwner {
  public:
    virtual ~GrantOwner() = default;
    // `offset` and `size` in bytes of the file; `needs_sync` iff the grant was writable.
    virtual void unmapped(std::uint64_t offset, std::uint64_t size, bool needs_sync) = 0;
};

enum class GrantKind : std::uint8_t {
    kPrivate,     // Allocated: anonymous, or a private copy; may gain any right
    kContiguous,  // Allocated{phys_contiguous}
    kShared,      // AllocatedShared: same bytes in clones
    kPhysical,    // PhysBorrowed
    kBorrowed,    // External: a window into another address space
    kFile,        // FmapBorrowed: bytes of a scheme's file
};

struct Grant {
    PageRange range;
    GrantKind kind = GrantKind::kPrivate;
    Protection protection;
    MemoryRef object;
    std::uint64_t object_offset = 0;  // of range.base inside the object
    std::uint64_t file_offset = 0;    // kFile only: of range.base inside the file
    std::shared_ptr<GrantOwner> owner;
    // kPrivate only. The process has these bytes for itself, a page at a time as it stores into them
    // (machine::Sharing::kPrivate): they are read and written through it. `object` is what lies below, never
    // written again.
    bool copy_on_write = false;
    // copy_on_write only: counts the pages the process may come to own. Null in the space whose memory
    // `object` was: that is counted already.
    machine::ChargeRef charge;
    std::uint32_t pins = 0;  // a pinned grant refuses unmap, protect and move with EBUSY
    // One grant to Redox together with its lower neighbour, two here because the objects differ (a borrowed
    // range whose source was pieced together).
    bool joined = false;

    // The part of this grant inside `part`, which lies in `range`. Whether it is joined to a lower part is up
    // to the caller.
    [[nodiscard]] Grant slice(PageRange part) const;
    // Whether the grant may get these rights: private memory may gain any, all else may only lose some.
    // Source: kernel:src/context/memory.rs can_have_flags.
    [[nodiscard]] bool can_have(Protection wanted) const;
    [[nodiscard]] bool pinned() const { return pins != 0; }
    // abi::GrantFlags as a read of the addrspace handle shows them. Source: same, grant_flags.
    [[nodiscard]] std::uint64_t flags() const;
};

// Whether Redox keeps the two as one grant, `right` beginning where `left` ends.
// Source: kernel:src/context/memory.rs can_be_merged_if_adjacent.
[[nodiscard]] bool one_grant(const Grant& left, const Grant& right);

}  // namespace halfcell::mem
