#pragma once

// A queue of equal-sized records that many may fill and many may read, each record going to one reader.
// Source: kernel:src/sync/wait_queue.rs.

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/result.h"
#include "kernel_shim/mem/user_slice.h"
#include "kernel_shim/scheme/copy_turn.h"
#include "kernel_shim/scheme/late_reply.h"
#include "kernel_shim/wait/wait_queue.h"

namespace halfcell::scheme {

enum class Wait { kYes, kNo };

template <typename T, LockLevel level>
class RecordQueue {
    static_assert(std::is_trivially_copyable_v<T>);

  public:
    // Upstream's queues grow without bound; here what nobody reads is dropped beyond this (safer).
    static constexpr std::size_t kLimit = std::size_t{1} << 20;

    // Appends records and wakes every reader. Does not block.
    void push(std::span<const T> records) {
        std::lock_guard lock(mutex_);
        const std::size_t room = kLimit - records_.size();
        const std::span<const T> kept = records.first(std::min(room, records.size()));
        records_.insert(records_.end(), kept.begin(), kept.end());
        readers_.notify_all();
    }
    // The same for one record; false where there is no room for it.
    bool push(const T& record) {
        std::lock_guard lock(mutex_);
        if (records_.size() >= kLimit) return false;
        records_.push_back(record);
        readers_.notify_all();
        return true;
    }

    [[nodiscard]] bool empty() const {
        std::lock_guard lock(mutex_);
        return records_.empty();
    }

    // As receive(); where that would sleep, the offer is accepted, and the value means nothing: a
    // serve_late() answers. For one such reader at a time; others sleep.
    Result<std::uint64_t> receive_late(const mem::UserOut& to, Wait wait, const char* reason,
                                       wait::Waiter& waiter, LateOffer& offer) {
        {
            std::lock_guard lock(mutex_);
            if (wait == Wait::kYes && records_.empty() && !receiving_.taken() && !late_reader_waits()) {
                late_reader_ = LateReader{offer.accept({.reason = reason}, {}), to};
                return 0;
            }
        }
        return receive(to, wait, reason, waiter);
    }
    // Answers the reader of receive_late(), where there is one and something is queued. To be called after
    // push, without any lock.
    void serve_late() {
        std::unique_lock lock(mutex_);
        if (!late_reader_) return;
        receiving_.await(lock);
        if (!late_reader_ || records_.empty()) return;
        const auto call = late_reader_->reply.call.lock();
        const auto claim = call == nullptr
                               ? LateCall::Claim::kOver
                               : call->claim(late_reader_->reply.ticket, LateCall::WhenStopped::kLeave);
        if (claim == LateCall::Claim::kStopped) return;
        const LateReader reader = *std::exchange(late_reader_, std::nullopt);
        if (claim == LateCall::Claim::kOver) return;
        const Result<std::uint64_t> received = receive_front(reader.to, lock);
        lock.unlock();
        call->finish(received);
    }

    // Takes as many records as there are and fit; their number. For a queue that nobody receives from.
    std::size_t take(std::span<T> to) {
        std::lock_guard lock(mutex_);
        const std::size_t count = std::min(to.size(), records_.size());
        const auto end = records_.begin() + static_cast<std::ptrdiff_t>(count);
        std::copy(records_.begin(), end, to.begin());
        records_.erase(records_.begin(), end);
        return count;
    }

    // Copies as many bytes of the queued records as fit and returns that count. A last partial record is
    // copied but stays queued, as upstream. Sleeps while nothing is queued (also for an empty buffer); with
    // Wait::kNo answers 0 for an empty buffer, EINVAL for one shorter than a record, else EAGAIN.
    // EINTR; EFAULT, then nothing is removed.
    Result<std::uint64_t> receive(const mem::UserOut& to, Wait wait, const char* reason,
                                  wait::Waiter& waiter) {
        std::unique_lock lock(mutex_);
        for (;;) {
            receiving_.await(lock);
            if (!records_.empty()) break;
            if (wait == Wait::kYes) {
                TRY(readers_.wait(lock, waiter, reason));
                continue;
            }
            if (to.empty()) return 0;
            return fail(to.size() < sizeof(T) ? Errno::kEINVAL : Errno::kEAGAIN);
        }
        return receive_front(to, lock);
    }

  private:
    struct LateReader {
        LateReply reply;
        mem::UserOut to;
    };
    // Whether there is one that was not interrupted meanwhile.
    [[nodiscard]] bool late_reader_waits() const {
        if (!late_reader_) return false;
        const auto call = late_reader_->reply.call.lock();
        return call != nullptr && call->waits(late_reader_->reply.ticket);
    }

    // What receive() does when something is queued and nobody copies.
    Result<std::uint64_t> receive_front(const mem::UserOut& to, std::unique_lock<LevelMutex<level>>& lock) {
        const std::uint64_t total = std::min<std::uint64_t>(to.size(), records_.size() * sizeof(T));
        receiving_.begin();
        const Result<void> copied = copy_front(to, total, lock);
        receiving_.end();
        if (!copied) return fail(copied.error());
        records_.erase(records_.begin(), records_.begin() + static_cast<std::ptrdiff_t>(total / sizeof(T)));
        return total;
    }

    static constexpr std::size_t kChunk = std::max<std::size_t>(1, 1536 / sizeof(T));

    // Copies the first `total` bytes out, chunk by chunk and without the lock: guest memory has a lock of
    // its own that comes earlier. `receiving_` keeps other readers away meanwhile.
    Result<void> copy_front(const mem::UserOut& to, std::uint64_t total,
                            std::unique_lock<LevelMutex<level>>& lock) {
        std::array<T, kChunk> chunk;
        for (std::uint64_t done = 0; done < total; done += sizeof chunk) {
            const std::uint64_t bytes = std::min<std::uint64_t>(sizeof chunk, total - done);
            const auto from = records_.begin() + static_cast<std::ptrdiff_t>(done / sizeof(T));
            std::copy_n(from, (bytes + sizeof(T) - 1) / sizeof(T), chunk.begin());
            lock.unlock();
            const Result<void> copied = to.write(done, std::as_bytes(std::span(chunk)).first(bytes));
            lock.lock();
            if (!copied) return copied;
        }
        return {};
    }

    mutable LevelMutex<level> mutex_;
    std::deque<T> records_;    // guarded by mutex_
    CopyTurn receiving_;       // one reader copies, without the lock
    wait::WaitQueue readers_;  // wait for records
    std::optional<LateReader> late_reader_;
};

}  // namespace halfcell::scheme
