#pragma once

// One half of a file table: numbered places for descriptors, and quick ways to a free one. No lock, no limit:
// FdTable has both.

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "kernel_shim/scheme/file_description.h"

namespace halfcell::fd {

// A reference to a description, and the close-on-exec mark, which belongs to the slot.
struct Descriptor {
    scheme::DescriptionRef description;
    bool cloexec = false;
};

class Slots {
  public:
    // One past the highest index ever used; it never shrinks, which F_DUPFD shows.
    [[nodiscard]] std::size_t size() const { return slots_.size(); }

    // What is there, or null.
    [[nodiscard]] const Descriptor* find(std::uint64_t index) const {
        return index < slots_.size() && slots_[index] ? &*slots_[index] : nullptr;
    }
    [[nodiscard]] Descriptor* find(std::uint64_t index) {
        return index < slots_.size() && slots_[index] ? &*slots_[index] : nullptr;
    }

    // The first free index at or after `from`; size() or more when there is none below.
    [[nodiscard]] std::size_t lowest_free(std::size_t from) const;
    // The first index of `count` free ones in a row; the row may reach past size().
    [[nodiscard]] std::size_t lowest_free_run(std::size_t count) const;

    // Fills a free slot, growing as needed.
    void put(std::size_t index, Descriptor descriptor);
    // Frees a slot and returns what was in it; nullopt when it was free.
    std::optional<Descriptor> take(std::uint64_t index);

  private:
    std::vector<std::optional<Descriptor>> slots_;
    std::size_t first_free_ = 0;  // every slot below is in use
};

}  // namespace halfcell::fd
