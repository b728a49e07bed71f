#pragma once

// Hands out ranges of an offset space: best fit, neighbours merged when they come back. A pure data
// structure.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace halfcell::host {

class RangeAllocator {
  public:
    // Owns [begin, end).
    RangeAllocator(std::uint64_t begin, std::uint64_t end);

    // The lowest of the smallest free ranges that hold `size` (not 0), or nullopt. O(log n).
    [[nodiscard]] std::optional<std::uint64_t> take(std::uint64_t size);

    // Gives back what take() handed out, in whole or in parts. O(log n).
    void give(std::uint64_t offset, std::uint64_t size);

    // Bytes not handed out.
    [[nodiscard]] std::uint64_t free_bytes() const { return free_bytes_; }

  private:
    void insert(std::uint64_t offset, std::uint64_t size);
    void erase(std::uint64_t offset, std::uint64_t size);

    std::map<std::uint64_t, std::uint64_t> by_offset_;
    std::set<std::pair<std::uint64_t, std::uint64_t>> by_size_;
    std::uint64_t free_bytes_ = 0;
};

}  // namespace halfcell::host
