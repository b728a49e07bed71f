#include "kernel_shim/mem/page_copy.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "kernel_shim/base/check.h"

namespace halfcell::mem {

namespace {

constexpr std::uint64_t kChunk = 16 * machine::kPageSize;

// Calls `copy(from, to)` for the stretches of the grant, counted from its start, that may hold anything but
// zeros. True of copy-on-write grants as well: before Linux copies a page, or shows it to be read, it makes
// the one below present.
template <typename Copy>
Result<void> for_each_stretch(const Grant& grant, Copy copy) {
    const std::uint64_t begin = grant.object_offset;
    const std::uint64_t end = begin + grant.range.size;
    for (std::uint64_t at = begin; at < end;) {
        const machine::Extent data = grant.object->next_data(at);
        if (data.size == 0 || data.offset >= end) return {};
        const std::uint64_t from = std::max(at, machine::page_round_down(data.offset));
        at = std::min(machine::page_round_up(data.offset + data.size), end);
        TRY(copy(from - begin, at - begin));
    }
    return {};
}

Result<void> write_what_is_not_zero(std::span<const std::byte> bytes, MemoryObject& to,
                                    std::uint64_t offset) {
    static constexpr std::array<std::byte, machine::kPageSize> kZeros{};
    for (; !bytes.empty(); bytes = bytes.subspan(kZeros.size()), offset += kZeros.size()) {
        const auto page = bytes.first(kZeros.size());
        if (std::memcmp(page.data(), kZeros.data(), page.size()) != 0) TRY(to.write(offset, page));
    }
    return {};
}

}  // namespace

Result<void> copy_pages(const Grant& grant, const machine::Machine* machine, MemoryObject& to,
                        std::uint64_t offset) {
    HC_CHECK(machine != nullptr || !grant.copy_on_write, "only a process has copy-on-write bytes");
    std::vector<std::byte> chunk(std::min(kChunk, grant.range.size));
    return for_each_stretch(grant, [&](std::uint64_t from, std::uint64_t end) -> Result<void> {
        while (from < end) {
            const auto bytes = std::span(chunk).first(std::min<std::uint64_t>(chunk.size(), end - from));
            if (grant.copy_on_write)
                TRY(machine->read(grant.range.base + from, bytes));
            else
                TRY(grant.object->read(grant.object_offset + from, bytes));
            TRY(write_what_is_not_zero(bytes, to, offset + from));
            from += bytes.size();
        }
        return {};
    });
}

}  // namespace halfcell::mem
