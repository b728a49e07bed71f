#pragma once

// The last calls of processes that are traced while they run, as they were made: registers, result, time.
// They become text when somebody asks for them, so that a call that is remembered costs hardly more than one
// that is not.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernel_shim/base/text.h"

namespace halfcell::syscall {

// One call. Times in ticks of the processor's counter.
struct CallRecord {
    std::uint64_t start = 0;
    std::uint64_t elapsed = 0;
    std::uint32_t pid = 0;
    std::uint32_t number = 0;
    std::uint64_t context = 0;
    std::uint64_t result = 0;  // as in rax
    std::array<std::uint64_t, 6> args{};
    std::array<char, 32> text{};  // the beginning of the path, where the call has one; ends with a NUL
};

// The processor's counter: some ten nanoseconds, and no call.
[[nodiscard]] inline std::uint64_t now_in_ticks() {
    return __builtin_ia32_rdtsc();
}

class TraceRing {
  public:
    static constexpr std::size_t kRecords = std::size_t{1} << 14;

    TraceRing();
    // Any thread; never waits. The oldest record makes room; where somebody is just writing that, this one is
    // lost.
    void add(const CallRecord& record);
    // The last `most` records of a process, oldest first. Any thread; records that are being written are left
    // out.
    [[nodiscard]] std::vector<CallRecord> last_of(std::uint32_t pid, std::size_t most) const;
    // Records so far.
    [[nodiscard]] std::uint64_t added() const { return next_.load(std::memory_order_relaxed); }

  private:
    static_assert(sizeof(CallRecord) % sizeof(std::uint64_t) == 0);
    static constexpr std::size_t kWords = sizeof(CallRecord) / sizeof(std::uint64_t);
    // Two cache lines. `version` is odd while the words are written, and tells which record they are.
    struct alignas(64) Slot {
        std::atomic<std::uint64_t> version{0};
        std::array<std::atomic<std::uint64_t>, kWords> words{};
    };
    static_assert(sizeof(Slot) == 128);

    // The record of this number; false where it has been overwritten, or is not whole.
    [[nodiscard]] bool read(std::uint64_t number, CallRecord& record) const;

    std::atomic<std::uint64_t> next_{0};
    const std::unique_ptr<std::array<Slot, kRecords>> slots_;
};

// [7:1] openat(3, "etc/motd"..., O_RDONLY, 0) = 4 <0.000012>
//
// Descriptors are numbers and buffers addresses: what they led to may be gone. `ticks_per_microsecond` as
// measured.
void append_record(TextWriter& to, const CallRecord& record, double ticks_per_microsecond);

}  // namespace halfcell::syscall
