#pragma once

// Ranges of guest pages. Addresses are guest addresses: numbers, never dereferenced.

#include <algorithm>
#include <cstdint>

namespace halfcell::machine {

inline constexpr std::uint64_t kPageSize = 4096;
// One past the last guest address. Source: kernel:src/arch/x86_64/consts.rs USER_END_OFFSET.
inline constexpr std::uint64_t kUserEnd = std::uint64_t{1} << 47;
// The highest page Linux maps; the page above it exists in the supervisor's books only.
inline constexpr std::uint64_t kHostUserEnd = kUserEnd - kPageSize;
// Taken by the stub, its command page and the per-thread areas. No grant may overlap it.
inline constexpr std::uint64_t kReservedBase = 0x7fff'e000'0000;
inline constexpr std::uint64_t kReservedEnd = 0x7fff'f000'0000;

constexpr bool page_aligned(std::uint64_t value) {
    return value % kPageSize == 0;
}
// Saturates instead of wrapping.
constexpr std::uint64_t page_round_up(std::uint64_t value) {
    return value > UINT64_MAX - (kPageSize - 1) ? UINT64_MAX & ~(kPageSize - 1)
                                                : (value + kPageSize - 1) & ~(kPageSize - 1);
}
constexpr std::uint64_t page_round_down(std::uint64_t value) {
    return value & ~(kPageSize - 1);
}

// [base, base + size), both multiples of the page size, base + size <= kUserEnd. Size 0 is the empty range.
struct PageRange {
    std::uint64_t base = 0;
    std::uint64_t size = 0;

    [[nodiscard]] constexpr std::uint64_t end() const { return base + size; }
    [[nodiscard]] constexpr bool empty() const { return size == 0; }
    [[nodiscard]] constexpr bool contains(std::uint64_t address) const {
        return address >= base && address - base < size;
    }
    [[nodiscard]] constexpr bool contains(PageRange other) const {
        return other.base >= base && other.end() <= end();
    }
    [[nodiscard]] constexpr bool overlaps(PageRange other) const {
        return base < other.end() && other.base < end();
    }
    [[nodiscard]] constexpr PageRange intersection(PageRange other) const {
        const std::uint64_t from = std::max(base, other.base);
        const std::uint64_t to = std::min(end(), other.end());
        return from < to ? PageRange{from, to - from} : PageRange{};
    }
    friend constexpr bool operator==(PageRange, PageRange) = default;
};

inline constexpr PageRange kReservedRange{kReservedBase, kReservedEnd - kReservedBase};

}  // namespace halfcell::machine
