#pragma once

// What an address space keeps behind its lock: the grants, and the Machine that shows them. Every function
// changes both or neither. Internal to this folder.

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "kernel_shim/mem/address_space.h"
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

    // Shows every grant to a machine that has none yet. ENOMEM, ESRCH.
    Result<void> replay(machine::Machine& fresh) const;

  private:
    Result<void> hide(PageRange range);
    void take_out(PageRange range, Departed& departed);
    [[nodiscard]] bool unreachable(const Grant& gone, const std::vector<Grant>& removed) const;
    [[nodiscard]] const Grant* first_pinned(PageRange range) const;

    std::uint64_t host_lowest_;
};

}  // namespace halfcell::mem
