#include "schemes/memfs/content.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace halfcell::memfs {

namespace {

constexpr std::uint64_t kMostBytes = INT64_MAX;

}  // namespace

Content::Content(std::shared_ptr<Budget> budget, std::span<const std::byte> fixed)
    : budget_(std::move(budget)), fixed_(fixed), size_(fixed.size()) {}

Content::~Content() {
    budget_->give(allocated());
}

std::uint64_t Content::read(std::uint64_t offset, std::span<std::byte> to) const {
    if (offset >= size_) return 0;
    const std::uint64_t total = std::min<std::uint64_t>(to.size(), size_ - offset);
    if (!fixed_.empty()) {
        std::memcpy(to.data(), fixed_.data() + offset, total);
        return total;
    }
    for (std::uint64_t done = 0; done < total;) {
        const std::uint64_t within = (offset + done) % kPageBytes;
        const std::uint64_t count = std::min(total - done, kPageBytes - within);
        const auto page = pages_.find((offset + done) / kPageBytes);
        if (page == pages_.end()) {
            std::memset(to.data() + done, 0, count);
        } else {
            std::memcpy(to.data() + done, page->second->data() + within, count);
        }
        done += count;
    }
    return total;
}

Result<Content::Page*> Content::page_for_writing(std::uint64_t index) {
    if (const auto it = pages_.find(index); it != pages_.end()) return it->second.get();
    TRY(budget_->take(kPageBytes));
    return pages_.emplace(index, std::make_unique<Page>()).first->second.get();
}

Result<void> Content::unfix() {
    if (fixed_.empty()) return {};
    const std::span<const std::byte> bytes = std::exchange(fixed_, {});
    const Result<std::uint64_t> count = write(0, bytes);
    if (count && *count == bytes.size()) return {};
    budget_->give(allocated());
    pages_.clear();
    fixed_ = bytes;
    return fail(Errno::kENOSPC);
}

Result<std::uint64_t> Content::write(std::uint64_t offset, std::span<const std::byte> from) {
    if (from.empty()) return 0;
    if (offset > kMostBytes || from.size() > kMostBytes - offset) return fail(Errno::kEFBIG);
    TRY(unfix());
    std::uint64_t done = 0;
    while (done < from.size()) {
        const std::uint64_t within = (offset + done) % kPageBytes;
        const std::uint64_t count = std::min<std::uint64_t>(from.size() - done, kPageBytes - within);
        const Result<Page*> page = page_for_writing((offset + done) / kPageBytes);
        if (!page && done == 0) return fail(page.error());
        if (!page) break;
        std::memcpy((*page)->data() + within, from.data() + done, count);
        done += count;
    }
    size_ = std::max(size_, offset + done);
    return done;
}

Result<void> Content::resize(std::uint64_t size) {
    if (size > kMostBytes) return fail(Errno::kEFBIG);
    if (size == 0) fixed_ = {};
    if (size == size_) return {};
    TRY(unfix());
    if (size < size_) {
        const std::uint64_t kept = (size + kPageBytes - 1) / kPageBytes;
        const std::uint64_t before = allocated();
        std::erase_if(pages_, [&](const auto& page) { return page.first >= kept; });
        budget_->give(before - allocated());
        // The tail of the last page must read as zero when the file grows again.
        if (const auto last = pages_.find(size / kPageBytes); last != pages_.end())
            std::memset(last->second->data() + size % kPageBytes, 0, kPageBytes - size % kPageBytes);
    }
    size_ = size;
    return {};
}

}  // namespace halfcell::memfs
