#include "schemes/file/host_memory.h"

#include <algorithm>

#include "schemes/file/host_calls.h"

namespace halfcell::file {

Result<void> HostFileMemory::read(std::uint64_t offset, std::span<std::byte> to) const {
    while (!to.empty()) {
        const std::uint64_t count = TRY(host_read(file_, to, offset_ + offset));
        if (count == 0) break;
        offset += count;
        to = to.subspan(count);
    }
    std::ranges::fill(to, std::byte{0});
    return {};
}

Result<void> HostFileMemory::write(std::uint64_t offset, std::span<const std::byte> from) {
    const auto end = static_cast<std::uint64_t>(TRY(host_stat(file_)).st_size);
    const std::uint64_t start = offset_ + offset;
    if (start >= end) return {};
    from = from.first(std::min<std::uint64_t>(from.size(), end - start));
    while (!from.empty()) {
        const std::uint64_t count =
            TRY(host_write(file_, from, offset_ + offset, WriteAt::kOffset, Durability::kCached));
        offset += count;
        from = from.subspan(count);
    }
    return {};
}

}  // namespace halfcell::file
