#pragma once

// What an address space keeps behind its lock: the grants, and the Machine that shows them. Every function
// changes both or neither. Internal to this folder.

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "kernel_shim/mem/address_space.h"
#include "kernel_shim/mem/hot_pages.h"
#include "kernel_shim/mem/region_map.h"

namespace halfcell::mem {

// Grants that were taken out of the books. Their owners are told, and their memory given back, when this
// goes out of scope: declare it outside the address-space lock.
class Departed {
  public:
    Departed() = default;
    Departed(const Departed&) = delete;
    Departed& operator=(const Departed&) = delete;
    ~Departed();

    void add(std::vector<Grant> grants);
    // Nobody can reach this part of a grant's object any more.
    void discard(const Grant& grant) { discarded_.push_back(grant); }
    // The grants live on at another address: nobody is told. Returns what they were.
    std::vector<Grant> dismiss() {
        discarded_.clear();
        return std::exchange(grants_, {});
    }

  private:
    std::vector<Grant> grants_;
    std::vector<Grant> discarded_;
};

// The part of a range that Linux can map: the last page below kUserEnd exists in the books only.
[[nodiscard]] PageRange host_part(PageRange range);
// Whether the pages of a grant are made present at once where it is shown.
[[nodiscard]] machine::Populate populate_for(const Grant& grant);
// A process that is gone shows nothing, so every change of what it shows has succeeded.
Result<void> unless_gone(Result<void> result);

// Whether a clone has the grant at all. Source: kernel:src/context/memory.rs AddrSpaceWrapper::try_clone.
[[nodiscard]] bool survives_clone(const Grant& grant);

// What Books::fork makes: the child's grants and its process, which still differs from them in two ways.
struct Offspring {
    std::vector<Grant> grants;  // in address order
    // Shown by the process, but no part of the child: to be hidden.
    std::vector<Grant> left_out;
    // Shown by the process as the parent shows it (`from`), but to be a copy of it as it is now:
    // grants[grant].
    struct Copy {
        std::size_t grant;
        Grant from;
    };
    std::vector<Copy> copies;
    // Goes first, before the memory that it shows.
    std::unique_ptr<machine::Machine> machine;

    // `grant`, which comes next in `grants`, gets memory of its own. ENOMEM.
    Result<void> copy_later(Grant& grant, machine::Pool& pool);
};

class Books {
  public:
    // `host_lowest`: what the host cannot map below (page 0 may be mapped where this is one page).
    explicit Books(std::uint64_t host_lowest = machine::kPageSize)
        : lowest_mappable(host_lowest), host_lowest_(host_lowest) {}

    RegionMap regions;
    // For placement of the kernel's choice only, and as the guest last set it.
    std::uint64_t lowest_mappable;
    // Set once, when the first context is to run here.
    std::unique_ptr<machine::Machine> machine;

    // Where a mapping of `request.size` bytes goes. Changes nothing, but for one case: a fixed mapping that
    // meets a pinned grant fails with EBUSY after what lies below the pinned one has been unmapped, as
    // upstream does. EEXIST, EBUSY, ENOMEM (no hole; a fixed range where the host has no room for guests).
    Result<PageRange> place(const MapRequest& request, Departed& departed);
    // The hole the kernel chooses for `size` bytes, if there is one.
    [[nodiscard]] std::optional<std::uint64_t> choose(std::uint64_t size) const;

    // Installs grants that follow each other without holes, in place of whatever is there (nothing pinned).
    // ENOMEM from the machine: nothing new is mapped, and what was there is gone, in both.
    Result<void> install(std::vector<Grant> grants, Departed& departed);

    // Removes all grants in the range; holes are fine. EBUSY at a pinned grant: those below it are gone.
    // ENOMEM from the machine: nothing further is gone.
    Result<void> unmap(PageRange range, Departed& departed);

    // Grant by grant: EBUSY pinned, EACCES where it cannot have the rights; those before have changed.
    // Source: kernel:src/context/memory.rs AddrSpaceWrapper::mprotect.
    Result<void> protect(PageRange range, Protection protection);

    // The page around `address`, ready to be shown or held by others as well: its bytes are those of an
    // object, as far as possible one of this page alone. Invalidated like RegionMap::find. EINVAL nothing
    // there; EPERM neither private nor contiguous; ENOMEM not writable, or no memory; ESRCH the process is
    // gone and its bytes with it. Source: kernel:src/context/memory.rs borrow_frame_enforce_rw_allocated.
    Result<const Grant*> shareable_page(std::uint64_t address, machine::Pool& pool);
    // Makes all copy-on-write bytes in the range bytes of objects again. ENOMEM, ESRCH; those before have
    // changed.
    Result<void> thaw(PageRange range, machine::Pool& pool);
    // A call has reached `address`, in a copy-on-write grant, through the process. Gives the page an object
    // of its own where such calls come often.
    void reached_through_process(std::uint64_t address, machine::Pool& pool);
    // Whether a thread's store to `address` may have failed only because its page was being moved to another
    // object. `moves` is the thread's own: 0 at first, then what this left in it; the same store failing
    // without a move in between is the guest's mistake.
    [[nodiscard]] bool held_up(std::uint64_t address, std::uint64_t& moves) const;

    // Needs a machine. Private grants whose bytes nobody else can reach become copy-on-write, here and in the
    // child; the other private ones are to be copied. ENOMEM (the pool, the host), EAGAIN, ESRCH.
    Result<Offspring> fork(machine::Pool& pool);

    // Shows every grant to a machine that has none yet. ENOMEM, ESRCH.
    Result<void> replay(machine::Machine& fresh) const;

  private:
    Result<void> freeze(const std::vector<Grant*>& grants);
    // Gives pages of one private grant an object of their own.
    Result<void> move_out(PageRange part, machine::Pool& pool);
    Result<void> show_moved(const Grant& grant, const MemoryRef& own);
    [[nodiscard]] bool show_again(const Grant& grant);
    Result<void> hide(PageRange range);
    void take_out(PageRange range, Departed& departed);
    [[nodiscard]] bool unreachable(const Grant& gone, const std::vector<Grant>& removed) const;
    [[nodiscard]] const Grant* first_pinned(PageRange range) const;

    std::uint64_t host_lowest_;
    HotPages hot_pages_;
    std::uint64_t moves_ = 0;  // times a page was made read-only to be moved
};

}  // namespace halfcell::mem
