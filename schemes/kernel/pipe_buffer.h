#pragma once

// One pipe: a ring of bytes and a queue of descriptors, with its two ends. Source: kernel:src/scheme/pipe.rs.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/memory_budget.h"
#include "kernel_shim/base/result.h"
#include "kernel_shim/mem/user_slice.h"
#include "kernel_shim/scheme/copy_turn.h"
#include "kernel_shim/scheme/file_description.h"
#include "kernel_shim/wait/wait_queue.h"

namespace halfcell::schemes {

enum class PipeEnd : std::uint8_t { kRead = 0, kWrite = 1 };

class PipeBuffer {
  public:
    // Bytes, and descriptors, that one pipe holds. Source: MAX_QUEUE_SIZE, CONTEXT_MAX_FILES.
    static constexpr std::size_t kCapacity = 65536;

    // What it holds counts against `queues`. Readers wait for whoever holds the write end, and the other way
    // round.
    explicit PipeBuffer(std::shared_ptr<MemoryBudget> queues, wait::Wakers read_end = {},
                        wait::Wakers write_end = {})
        : held_(std::move(queues)), readers_(write_end), writers_(read_end) {}
    PipeBuffer(const PipeBuffer&) = delete;
    PipeBuffer& operator=(const PipeBuffer&) = delete;

    // Copies min(to.size(), queued) bytes straight from the ring to the guest. When empty: 0 for an empty
    // buffer or after the writer closed, EAGAIN for `nonblocking`, else sleeps; EINTR. EFAULT leaves the
    // bytes queued.
    Result<std::uint64_t> read(const mem::UserOut& to, bool nonblocking, wait::Waiter& waiter);
    // Copies what fits at once (short writes also when blocking). EPIPE once the reader closed, before
    // anything else. When full: 0 for an empty buffer, EAGAIN for `nonblocking`, else sleeps; EINTR. EFAULT
    // where not even the first 512 bytes could be read, ENOMEM where there is no memory for the ring.
    Result<std::uint64_t> write(const mem::UserIn& from, bool nonblocking, wait::Waiter& waiter);

    // Queues descriptors, as many as fit, and returns that count; drops the others. Sleeps while none fits
    // (upstream drops them all first); EINTR, EPIPE, ENOMEM as write().
    Result<std::uint64_t> send(std::vector<scheme::DescriptionRef> descriptions, wait::Waiter& waiter);
    // Takes up to `count` descriptors, none for 0. Sleeps while there are none (there is no non-blocking
    // form), but returns none after the writer closed; EINTR.
    Result<std::vector<scheme::DescriptionRef>> receive(std::uint64_t count, wait::Waiter& waiter);
    // Queues what receive() took as if it had never been taken, whatever the queue holds by now. Upstream
    // loses descriptors that their receiver has no place for (safer).
    void give_back(std::vector<scheme::DescriptionRef> descriptions);

    // The write end is handed out once: true for the first who asks.
    bool claim_writer() { return !writer_claimed_.exchange(true); }

    // What fevent reports: bytes queued or nobody left to write / room is always reported, as upstream.
    [[nodiscard]] bool readable() const;

    // An end went; whoever waits at the other wakes. Returns true when nothing can reach the pipe any more.
    bool close(PipeEnd end);

    // Whether somebody asked for events of an end, ever: nothing needs to be triggered before.
    [[nodiscard]] bool watched(PipeEnd end) const {
        return watched_[index(end)].load(std::memory_order_acquire);
    }
    void watch(PipeEnd end) { watched_[index(end)].store(true, std::memory_order_release); }

    // Takes every queued descriptor out, for dropping where no lock is held.
    std::vector<scheme::DescriptionRef> take_descriptions();

  private:
    using Lock = std::unique_lock<LevelMutex<LockLevel::kObject>>;
    static constexpr std::size_t index(PipeEnd end) { return static_cast<std::size_t>(end); }

    mutable LevelMutex<LockLevel::kObject> mutex_;
    // --- guarded by mutex_, except that the ring's bytes are touched without it: [head_, head_ + used_) by
    // the one thread whose turn reading_ is, the rest by the one that has writing_.
    HeldBytes held_;
    std::unique_ptr<std::byte[]> ring_;  // made by the first write
    std::size_t head_ = 0;
    std::size_t used_ = 0;
    scheme::CopyTurn reading_;
    scheme::CopyTurn writing_;
    bool reader_alive_ = true;
    bool writer_alive_ = true;
    std::deque<scheme::DescriptionRef> descriptions_;
    wait::WaitQueue readers_;
    wait::WaitQueue writers_;

    std::atomic<bool> writer_claimed_{false};
    std::atomic<bool> watched_[2] = {};
};

}  // namespace halfcell::schemes
