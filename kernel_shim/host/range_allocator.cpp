#include "kernel_shim/host/range_allocator.h"

#include "kernel_shim/base/check.h"

namespace halfcell::host {

RangeAllocator::RangeAllocator(std::uint64_t begin, std::uint64_t end) {
    if (begin < end) insert(begin, end - begin);
}

std::optional<std::uint64_t> RangeAllocator::take(std::uint64_t size) {
    HC_CHECK(size != 0, "an empty range was asked for");
    const auto found = by_size_.lower_bound({size, 0});
    if (found == by_size_.end()) return std::nullopt;
    const auto [available, offset] = *found;
    erase(offset, available);
    if (available > size) insert(offset + size, available - size);
    return offset;
}

void RangeAllocator::give(std::uint64_t offset, std::uint64_t size) {
    HC_CHECK(size != 0, "an empty range was given back");
    const auto next = by_offset_.lower_bound(offset);
    HC_CHECK(next == by_offset_.end() || offset + size <= next->first, "a range was given back twice");
    if (next != by_offset_.end() && next->first == offset + size) {
        size += next->second;
        erase(next->first, next->second);
    }
    const auto after = by_offset_.lower_bound(offset);
    if (after != by_offset_.begin()) {
        const auto before = std::prev(after);
        HC_CHECK(before->first + before->second <= offset, "a range was given back twice");
        if (before->first + before->second == offset) {
            offset = before->first;
            size += before->second;
            erase(before->first, before->second);
        }
    }
    insert(offset, size);
}

void RangeAllocator::insert(std::uint64_t offset, std::uint64_t size) {
    by_offset_.emplace(offset, size);
    by_size_.emplace(size, offset);
    free_bytes_ += size;
}

void RangeAllocator::erase(std::uint64_t offset, std::uint64_t size) {
    by_offset_.erase(offset);
    by_size_.erase({size, offset});
    free_bytes_ -= size;
}

}  // namespace halfcell::host
