#pragma once

// The grants of one address space as a data structure: ordered by address, never overlapping, with the holes
// between them ordered by size. Knows no lock, no machine and no owner.
// Source: kernel:src/context/memory.rs UserGrants.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "abi/data.h"
#include "kernel_shim/mem/grant.h"

namespace halfcell::mem {

class RegionMap {
  public:
    using Regions = std::map<std::uint64_t, Grant>;
    using Iterator = Regions::iterator;
    using ConstIterator = Regions::const_iterator;

    RegionMap();

    // Ranges are not to be changed through these.
    [[nodiscard]] Iterator begin() { return regions_.begin(); }
    [[nodiscard]] Iterator end() { return regions_.end(); }
    [[nodiscard]] ConstIterator begin() const { return regions_.begin(); }
    [[nodiscard]] ConstIterator end() const { return regions_.end(); }
    [[nodiscard]] std::size_t size() const { return regions_.size(); }

    // The grant that holds `address`, null in a hole. Invalidated by isolate and remove.
    [[nodiscard]] const Grant* find(std::uint64_t address) const;
    // The first region that ends above `address`: the one that holds it, else the next one up.
    [[nodiscard]] ConstIterator first_above(std::uint64_t address) const;
    [[nodiscard]] Iterator first_above(std::uint64_t address);
    [[nodiscard]] bool overlaps(PageRange range) const;

    // Puts a grant into a hole that holds it entirely (checked: our bug otherwise).
    void insert(Grant grant);
    // Makes both ends of the range ends of grants. What a contiguous grant loses this way becomes plain
    // private memory, as upstream's extract does. Pinned grants are not to be cut (checked).
    void isolate(PageRange range);
    // Isolates the range and takes out all it holds, in address order.
    std::vector<Grant> remove(PageRange range);
    // Takes out everything.
    std::vector<Grant> remove_all();

    // Where the kernel puts `size` bytes that may go anywhere: in the smallest hole whose part above `lowest`
    // and below the reserved range is large enough, the lowest of equal ones; as low in it as possible. A
    // hole counts with its whole size. nullopt where there is none. Source: same, find_free_near.
    [[nodiscard]] std::optional<std::uint64_t> find_hole(std::uint64_t size, std::uint64_t lowest) const;

    // The grants as Redox lists them. Source: kernel:src/scheme/proc.rs AddrSpace read.
    [[nodiscard]] std::vector<abi::GrantDesc> describe() const;

  private:
    void cut(std::uint64_t boundary, PageRange inside);
    // The hole between the neighbours of the gap at `position`.
    [[nodiscard]] PageRange gap_before(ConstIterator position) const;
    void add_hole(std::uint64_t base, std::uint64_t end);
    void drop_hole(std::uint64_t base, std::uint64_t end);

    Regions regions_;
    std::set<std::pair<std::uint64_t, std::uint64_t>> holes_;  // size, base
};

}  // namespace halfcell::mem
