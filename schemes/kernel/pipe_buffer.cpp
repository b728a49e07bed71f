#include "schemes/kernel/pipe_buffer.h"

#include <algorithm>
#include <iterator>
#include <span>

namespace halfcell::schemes {

namespace {

constexpr const char* kReadReason = "PipeRead::read";
constexpr const char* kWriteReason = "PipeWrite::write";

// Two pieces of a ring, in order; the second may be empty.
struct Pieces {
    std::span<std::byte> first;
    std::span<std::byte> second;
};
Pieces pieces(std::byte* ring, std::size_t start, std::size_t size) {
    start %= PipeBuffer::kCapacity;
    const std::size_t first = std::min(size, PipeBuffer::kCapacity - start);
    return {{ring + start, first}, {ring, size - first}};
}

Result<void> copy_out(const mem::UserOut& to, const Pieces& from) {
    TRY(to.write(0, from.first));
    if (!from.second.empty()) TRY(to.write(from.first.size(), from.second));
    return {};
}
Result<void> copy_in(const Pieces& to, const mem::UserIn& from) {
    TRY(from.read(0, to.first));
    if (!to.second.empty()) TRY(from.read(to.first.size(), to.second));
    return {};
}

// Upstream copies 512 bytes at a time and keeps what came before a fault. Returns how much that is; EFAULT
// when the first 512 bytes are already bad.
Result<std::size_t> copy_in_until_fault(std::byte* ring, std::size_t start, std::size_t size,
                                        const mem::UserIn& from) {
    constexpr std::size_t kStep = 512;
    for (std::size_t done = 0; done < size; done += kStep) {
        const Pieces to = pieces(ring, start + done, std::min(kStep, size - done));
        Result<void> copied = from.read(done, to.first);
        if (copied && !to.second.empty()) copied = from.read(done + to.first.size(), to.second);
        if (copied) continue;
        if (done > 0) return done;
        return fail(copied.error());
    }
    return size;
}

}  // namespace

Result<std::uint64_t> PipeBuffer::read(const mem::UserOut& to, bool nonblocking, wait::Waiter& waiter) {
    Lock lock(mutex_);
    for (;;) {
        reading_.await(lock);
        if (to.empty()) return 0;
        if (used_ > 0) break;
        if (!writer_alive_) return 0;
        if (nonblocking) return fail(Errno::kEAGAIN);
        TRY(readers_.wait(lock, waiter, kReadReason));
    }
    const std::size_t count = std::min<std::uint64_t>(to.size(), used_);
    const Pieces from = pieces(ring_.get(), head_, count);
    reading_.begin();
    lock.unlock();
    const Result<void> copied = copy_out(to, from);
    lock.lock();
    reading_.end();
    if (!copied) return fail(copied.error());
    used_ -= count;
    // An empty ring starts over, so that small messages stay in the same cache lines.
    head_ = used_ == 0 && !writing_.taken() ? 0 : (head_ + count) % kCapacity;
    writers_.notify_all();
    return count;
}

Result<std::uint64_t> PipeBuffer::write(const mem::UserIn& from, bool nonblocking, wait::Waiter& waiter) {
    Lock lock(mutex_);
    for (;;) {
        writing_.await(lock);
        if (!reader_alive_) return fail(Errno::kEPIPE);
        if (from.empty()) return 0;
        if (used_ < kCapacity) break;
        if (nonblocking) return fail(Errno::kEAGAIN);
        TRY(writers_.wait(lock, waiter, kWriteReason));
    }
    if (ring_ == nullptr) {
        if (!held_.grow(kCapacity)) return fail(Errno::kENOMEM);
        ring_ = std::make_unique_for_overwrite<std::byte[]>(kCapacity);
    }
    std::byte* const ring = ring_.get();
    const std::size_t start = head_ + used_;
    const std::size_t room = std::min<std::uint64_t>(from.size(), kCapacity - used_);
    writing_.begin();
    lock.unlock();
    Result<std::size_t> copied = room;
    if (!copy_in(pieces(ring, start, room), from)) copied = copy_in_until_fault(ring, start, room, from);
    lock.lock();
    writing_.end();
    if (!copied) return fail(copied.error());
    used_ += *copied;
    readers_.notify_all();
    return *copied;
}

Result<std::uint64_t> PipeBuffer::send(std::vector<scheme::DescriptionRef> descriptions,
                                       wait::Waiter& waiter) {
    Lock lock(mutex_);
    for (;;) {
        if (!reader_alive_) return fail(Errno::kEPIPE);
        if (descriptions.empty()) return 0;
        if (descriptions_.size() < kCapacity) break;
        TRY(writers_.wait(lock, waiter, kWriteReason));
    }
    const std::size_t count = std::min(descriptions.size(), kCapacity - descriptions_.size());
    if (!held_.grow(count * kQueuedDescriptorCost)) return fail(Errno::kENOMEM);
    std::move(descriptions.begin(), descriptions.begin() + static_cast<std::ptrdiff_t>(count),
              std::back_inserter(descriptions_));
    readers_.notify_all();
    // The references that did not fit go with the vector: after the lock, which is younger.
    return count;
}

Result<std::vector<scheme::DescriptionRef>> PipeBuffer::receive(std::uint64_t count, wait::Waiter& waiter) {
    std::vector<scheme::DescriptionRef> taken;
    Lock lock(mutex_);
    if (count == 0) return taken;
    while (descriptions_.empty()) {
        if (!writer_alive_) return taken;
        TRY(readers_.wait(lock, waiter, kReadReason));
    }
    const auto end = descriptions_.begin() +
                     static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(count, descriptions_.size()));
    taken.assign(std::make_move_iterator(descriptions_.begin()), std::make_move_iterator(end));
    descriptions_.erase(descriptions_.begin(), end);
    held_.shrink(taken.size() * kQueuedDescriptorCost);
    writers_.notify_all();
    return taken;
}

void PipeBuffer::give_back(std::vector<scheme::DescriptionRef> descriptions) {
    std::lock_guard lock(mutex_);
    held_.grow_again(descriptions.size() * kQueuedDescriptorCost);
    descriptions_.insert(descriptions_.begin(), std::make_move_iterator(descriptions.begin()),
                         std::make_move_iterator(descriptions.end()));
    readers_.notify_all();
}

bool PipeBuffer::readable() const {
    std::lock_guard lock(mutex_);
    return used_ > 0 || !writer_alive_;
}

bool PipeBuffer::close(PipeEnd end) {
    std::lock_guard lock(mutex_);
    if (end == PipeEnd::kWrite) {
        writer_alive_ = false;
        readers_.notify_all();
        return !reader_alive_;
    }
    reader_alive_ = false;
    writers_.notify_all();
    // Nobody can ask for a write end without the read end. Upstream keeps such a pipe for ever (safer).
    return !writer_alive_ || !writer_claimed_.load();
}

std::vector<scheme::DescriptionRef> PipeBuffer::take_descriptions() {
    std::lock_guard lock(mutex_);
    std::vector<scheme::DescriptionRef> taken(std::make_move_iterator(descriptions_.begin()),
                                              std::make_move_iterator(descriptions_.end()));
    descriptions_.clear();
    held_.shrink(taken.size() * kQueuedDescriptorCost);
    return taken;
}

}  // namespace halfcell::schemes
