#include "schemes/kernel/proc/memory_handle.h"

#include <algorithm>
#include <array>
#include <span>

#include "abi/flags.h"

namespace halfcell::schemes::proc {

namespace {

// A transfer of more is cut short.
constexpr std::uint64_t kLargestTransfer = std::uint64_t{1} << 20;

// Moves page by page, so that what lies before a hole is not lost.
template <typename Move>
Result<std::uint64_t> by_pages(std::uint64_t address, std::uint64_t size, Move move) {
    size = std::min(size, kLargestTransfer);
    std::array<std::byte, abi::kPageSize> buffer;
    std::uint64_t done = 0;
    while (done < size) {
        const std::uint64_t at = address + done;
        const std::uint64_t part = std::min(size - done, abi::kPageSize - at % abi::kPageSize);
        const Result<void> moved = move(at, done, std::span(buffer).first(part));
        if (!moved && done == 0) return fail(moved.error());
        if (!moved) break;
        done += part;
    }
    return done;
}

}  // namespace

Result<std::uint64_t> MemoryHandle::read(const scheme::Caller&, const mem::UserOut& to,
                                         std::uint64_t offset) {
    return by_pages(offset, to.size(),
                    [&](std::uint64_t at, std::uint64_t done, std::span<std::byte> part) -> Result<void> {
                        TRY(space_->read(at, part));
                        return to.write(done, part);
                    });
}

Result<std::uint64_t> MemoryHandle::write_at(const scheme::Caller&, const mem::UserIn& from,
                                             std::uint64_t offset) {
    return by_pages(offset, from.size(),
                    [&](std::uint64_t at, std::uint64_t done, std::span<std::byte> part) -> Result<void> {
                        TRY(from.read(done, part));
                        return space_->poke(at, part);
                    });
}

}  // namespace halfcell::schemes::proc
