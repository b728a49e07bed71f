#pragma once

// Which copy-on-write pages calls keep coming back to: a message buffer, the top of a stack. The supervisor
// reaches them through the process only, which costs more than everything else about a small transfer, so
// they are worth an object of their own again.

#include <array>
#include <cstdint>

#include "kernel_shim/machine/page_range.h"

namespace halfcell::mem {

class HotPages {
  public:
    // Moving a page costs as much as so many accesses through the process.
    static constexpr std::uint32_t kAccesses = 128;
    // Every moved page is a mapping of its own, and the host has only so many for a process.
    static constexpr std::uint32_t kMost = 128;

    // Counts an access to the page at `address`. True where it has become worth moving, once.
    bool accessed(std::uint64_t address) {
        const std::uint64_t page = machine::page_round_down(address);
        Entry& entry = entries_[(page / machine::kPageSize) % entries_.size()];
        if (entry.page != page) {
            // Another page's place: it is given up when it is asked for less than this one.
            if (entry.count > 0) {
                --entry.count;
                return false;
            }
            entry.page = page;
        }
        if (++entry.count < kAccesses || moved_ >= kMost) return false;
        ++moved_;
        entry = {};
        return true;
    }

  private:
    struct Entry {
        std::uint64_t page = UINT64_MAX;
        std::uint32_t count = 0;
    };
    std::array<Entry, 16> entries_;
    std::uint32_t moved_ = 0;
};

}  // namespace halfcell::mem
