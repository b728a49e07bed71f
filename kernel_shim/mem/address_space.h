#pragma once

// An address space: the grants, kept here exactly as Redox keeps them, and the Machine that shows them to the
// guest once a context runs in it. Source: kernel:src/context/memory.rs AddrSpace.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "abi/data.h"
#include "kernel_shim/mem/grant.h"
#include "kernel_shim/mem/inline_vector.h"

namespace halfcell::mem {

// Where a mapping goes. Source: kernel:src/context/memory.rs (MAP_FIXED, MAP_FIXED_NOREPLACE, else best fit).
enum class Placement : std::uint8_t { kAnywhere, kFixed, kFixedNoReplace };

// What to map. Built from abi::Map by map_request.h, or directly by schemes.
struct MapRequest {
    std::uint64_t address = 0;  // ignored for kAnywhere
    std::uint64_t size = 0;     // bytes, a positive multiple of the page size
    Placement placement = Placement::kAnywhere;
    Protection protection;
};

// What the new grant shows.
struct MapSource {
    GrantKind kind = GrantKind::kPrivate;
    MemoryRef object;  // null for kPrivate/kShared/kContiguous: fresh zero pages from the pool
    std::uint64_t object_offset = 0;
    std::uint64_t file_offset = 0;
    std::shared_ptr<GrantOwner> owner;
};

// Guest bytes held in place: while it lives, the frames stay, whatever happens to the grants. The common
// cases (one or two grants) need no heap. `spans` cover the requested range in order; empty where the range
// is not directly reachable.
struct PinnedBytes {
    struct Span {
        std::byte* data = nullptr;
        std::size_t size = 0;
    };
    InlineVector<Span, 2> spans;
    InlineVector<MemoryRef, 2> objects;
};

enum class Access : std::uint8_t { kRead, kWrite };

// A buffer as another space shows it for a while: scratch pages around whole pages of its owner's. Any part
// may be missing.
struct LentPages {
    MemoryRef head;    // whole pages
    PageRange middle;  // of the source
    MemoryRef tail;    // whole pages
};

class AddressSpace : public std::enable_shared_from_this<AddressSpace> {
  public:
    // An empty space without a Linux process. `pool` and `factory` outlive it.
    static std::shared_ptr<AddressSpace> create(machine::Pool& pool, machine::MachineFactory& factory);
    AddressSpace(const AddressSpace&) = delete;
    AddressSpace& operator=(const AddressSpace&) = delete;
    // Unmaps everything; owners are told. Source: kernel:src/context/memory.rs Drop for AddrSpace.
    ~AddressSpace();

    // --- grants. All take the address-space lock; owners of replaced pieces are told after it is released.

    // Maps and returns the address. EINVAL: size 0 or unaligned, address unaligned, end past kUserEnd;
    // EEXIST (kFixedNoReplace), EBUSY (a pinned victim), ENOMEM (no hole, memory limit, or a fixed range
    // that touches the reserved one or lies below what the host maps). The hint is ignored for kAnywhere:
    // smallest hole that fits, lowest address.
    Result<std::uint64_t> map(const MapRequest& request, const MapSource& source);
    // Holes are fine. EINVAL as above; EBUSY at a pinned grant, lower grants are then already gone.
    Result<void> unmap(PageRange range);
    // Holes are skipped. EINVAL; EBUSY pinned; EACCES where the grant's kind forbids gaining the right.
    // Source: kernel:src/context/memory.rs AddrSpaceWrapper::mprotect.
    Result<void> protect(PageRange range, Protection protection);
    // SYS_MREMAP. `flags` are abi::MremapFlags plus PROT bits. Source: kernel:src/syscall/fs.rs mremap.
    Result<std::uint64_t> remap(std::uint64_t old_address, std::uint64_t old_size, std::uint64_t new_address,
                                std::uint64_t new_size, std::uint64_t flags);

    // Every grant in address order, as a read of the addrspace handle reports it; neighbours that Redox would
    // have merged are merged. Source: kernel:src/scheme/proc.rs.
    [[nodiscard]] std::vector<abi::GrantDesc> describe() const;

    // Copies of all grants in address order, one for each backing object: what the Machine is to show.
    [[nodiscard]] std::vector<Grant> grants() const;

    // The lowest address kernel-chosen placement may use; at first the host's lowest, which it never goes
    // below. Set: EINVAL unless page-aligned and <= kUserEnd. Source: kernel:src/context/memory.rs mmap_min.
    [[nodiscard]] std::uint64_t lowest_mappable() const;
    Result<void> set_lowest_mappable(std::uint64_t address);

    // --- between two spaces.

    // A copy for a forked program: private memory is copied, shared, physical and borrowed memory is shown by
    // both, files, contiguous memory and pinned grants are left out; the lowest mappable address is the
    // default again. A space that has a process lets it fork, and Linux copies on write; private memory that
    // others can reach as well, and that of a space without a process, is copied at once. The grants are a
    // snapshot; bytes stored meanwhile may or may not be in it. ENOMEM; EAGAIN when the host has no process
    // to give; ESRCH when the process is gone. Blocks while Linux copies the page tables. Source:
    // kernel:src/context/memory.rs AddrSpaceWrapper::try_clone.
    [[nodiscard]] Result<std::shared_ptr<AddressSpace>> clone();
    // Shows `request.size` bytes of another space here; both see each other's stores, and what the source
    // does with its grants later changes nothing here. Private source memory may be borrowed with any rights.
    // Files it covers are pinned in the source until the last borrowed piece goes. EBUSY (this very space, or
    // a pinned victim), EINVAL (bad range, or the source has a hole in it), EPERM (rights the source grant
    // cannot have), EEXIST, ENOMEM, ESRCH (the source's process is gone, and its bytes with it). A kFixed
    // target has been cleared even when a later check fails, as upstream does. Source:
    // kernel:src/scheme/proc.rs kfmap, kernel:src/context/memory.rs Grant::borrow.
    Result<std::uint64_t> borrow(AddressSpace& source, std::uint64_t source_address,
                                 const MapRequest& request);
    // Shows lent pages, one part after the other, in a hole of the kernel's choice, and returns its address.
    // The grants are pinned: the guest here can neither remove nor change nor fork them. The middle comes
    // from `source` (which may be any where there is none), with the errors and effects of borrow. ENOMEM.
    // Source: kernel:src/scheme/user.rs capture_inner.
    Result<std::uint64_t> show_lent(AddressSpace& source, const LentPages& pages, Protection protection);
    // Whether show_lent would find nothing wrong with a middle of this space: EINVAL, EPERM.
    [[nodiscard]] Result<void> can_lend(PageRange range, Protection protection) const;
    // Takes away what show_lent put there: exactly that range.
    void take_back_lent(PageRange range);
    // Shows bytes of a server's memory as those of a file of its scheme. EIO where the server has nothing
    // mapped; EPERM, EEXIST, EBUSY, ENOMEM and the clearing of fixed targets as borrow.
    // Source: kernel:src/context/memory.rs Grant::borrow_fmap.
    Result<std::uint64_t> show_file(AddressSpace& server, std::uint64_t server_address,
                                    const MapRequest& request, std::uint64_t file_offset,
                                    std::shared_ptr<GrantOwner> owner);
    // Moves `request.size` bytes of another space here; source holes become zero pages. Errors as remap, and
    // EBUSY where the two ranges have addresses in common. Source: same, AddrSpaceWrapper::move.
    Result<std::uint64_t> transfer(AddressSpace& source, std::uint64_t source_address,
                                   const MapRequest& request);

    // --- guest bytes. Nothing here blocks but for the lock and, after a fork, for copying through the
    // process. EFAULT where no grant covers a byte, a write meets a grant without WRITE, or the process that
    // alone had the byte is gone; bytes before it may have been copied. Any read of a grant succeeds
    // (PROT_NONE too).
    Result<void> read(std::uint64_t address, std::span<std::byte> to) const;
    Result<void> write(std::uint64_t address, std::span<const std::byte> from);
    // Writes for a debugger: private memory of every protection, all else as write().
    Result<void> poke(std::uint64_t address, std::span<const std::byte> from);
    // Holds [address, address+size) in place for I/O. EFAULT as above. Spans are empty (and nothing is held)
    // where some byte is not directly reachable, as after a fork: then use read/write.
    Result<PinnedBytes> pin(std::uint64_t address, std::uint64_t size, Access access) const;

    // The object behind a byte and the offset in it. Of a copy-on-write page: of the page below, which other
    // spaces may share. EFAULT where nothing is mapped.
    struct Frame {
        MemoryRef object;
        std::uint64_t offset;
    };
    [[nodiscard]] Result<Frame> frame_of(std::uint64_t address) const;
    // The page around an address, held by frame: guest and holder see each other's stores for as long as the
    // holder likes. A clone gets a copy of such a page; to that end it has as a rule an object of its own
    // from now on. EINVAL where nothing is mapped, EPERM where that is not private memory, ENOMEM where it is
    // not writable or there is no memory, ESRCH when the process is gone. Source:
    // kernel:src/context/memory.rs borrow_frame_enforce_rw_allocated.
    struct HeldPage {
        MemoryRef object;
        std::uint64_t offset;  // of the page inside the object
    };
    [[nodiscard]] Result<HeldPage> hold_page(std::uint64_t address);
    // Whether a store to `address` that faulted is to be tried again, because its page was read-only while
    // its bytes moved to another object. `moves` belongs to the thread that faulted: 0 at first, then left
    // alone.
    [[nodiscard]] bool store_was_held_up(std::uint64_t address, std::uint64_t& moves) const;
    // A copy of the grant that holds an address. EINVAL where nothing is mapped.
    [[nodiscard]] Result<Grant> grant_at(std::uint64_t address) const;

    // --- the Linux side.

    // The process behind this space, made on first use and given every grant. Blocks for the spawn (~100 us).
    // Errors of MachineFactory::create and Machine::map.
    Result<machine::Machine*> machine();
    // The process if there is one; null otherwise. Does not block.
    [[nodiscard]] machine::Machine* existing_machine() const;

  private:
    struct State;
    AddressSpace(machine::Pool& pool, machine::MachineFactory& factory);
    Result<std::uint64_t> alias(std::uint64_t old_address, const MapRequest& request);
    Result<std::vector<Grant>> lend(PageRange range, Protection protection);
    Result<void> give_away(PageRange range, std::vector<Grant>& pieces, PageRange target,
                           Protection protection, std::vector<Grant>& originals);
    void take_back(std::vector<Grant> originals);

    friend class FilePins;

    machine::Pool& pool_;
    machine::MachineFactory& factory_;
    const std::unique_ptr<State> state_;  // the grants and the machine, behind the address-space lock
};

}  // namespace halfcell::mem
