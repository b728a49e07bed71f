#pragma once

// How many bytes files in memory may hold.

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "kernel_shim/base/result.h"

namespace halfcell::memfs {

// What a run's memory limit leaves for files: never more than half of the host's memory.
[[nodiscard]] inline std::uint64_t most_for_files(std::uint64_t memory_limit) {
    const long pages = sysconf(_SC_PHYS_PAGES);
    const long page_size = sysconf(_SC_PAGESIZE);
    if (pages <= 0 || page_size <= 0) return memory_limit;
    return std::min(memory_limit,
                    static_cast<std::uint64_t>(pages) / 2 * static_cast<std::uint64_t>(page_size));
}

// Any thread; never blocks.
class Budget {
  public:
    explicit Budget(std::uint64_t limit) : limit_(limit) {}
    Budget(const Budget&) = delete;
    Budget& operator=(const Budget&) = delete;

    // ENOSPC.
    Result<void> take(std::uint64_t bytes) {
        std::uint64_t used = used_.load(std::memory_order_relaxed);
        do {
            if (bytes > limit_ - used) return fail(Errno::kENOSPC);
        } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
        return {};
    }
    void give(std::uint64_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t used() const { return used_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t limit() const { return limit_; }

  private:
    const std::uint64_t limit_;
    std::atomic<std::uint64_t> used_{0};
};

}  // namespace halfcell::memfs
