#pragma once

// Address-keyed waits. Source: kernel:src/syscall/futex.rs.
//
// A futex is an address in an address space; waiters of other spaces are never woken, as upstream. The frame
// behind the address is no part of the key: upstream loses the wake-up when the first write to a page, or a
// fork, changes it.

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/result.h"
#include "kernel_shim/mem/address_space.h"
#include "kernel_shim/wait/waiter.h"

namespace halfcell::task {

class FutexTable {
  public:
    // FUTEX_WAIT and WAIT64: sleeps while the word at `address` (4 or 8 bytes, `width`) equals `expected`.
    // EFAULT when nothing is mapped there; EINVAL unaligned; EAGAIN when the value differs; EINTR when a
    // signal is pending before; ETIMEDOUT. Woken by an interruption it returns 0, as upstream. Blocks.
    Result<std::uint64_t> wait(mem::AddressSpace& space, std::uint64_t address, std::uint64_t expected,
                               unsigned width, wait::Waiter& waiter, wait::Deadline deadline);
    // FUTEX_WAKE: wakes up to `count` waiters of the address, the first to come, then the last, then the one
    // before it and so on, as upstream. Returns how many left the list. EFAULT when nothing is mapped there.
    //
    // Upstream keeps a wait that timed out or was interrupted on the list until a wake takes it off, and
    // counts it. It is counted here too, but never instead of somebody who sleeps: there, that sleeper
    // misses the wake-up that was meant for it.
    Result<std::uint64_t> wake(mem::AddressSpace& space, std::uint64_t address, std::uint64_t count);

    // For sys:stat.
    [[nodiscard]] std::uint64_t waiter_count() const;
    [[nodiscard]] std::uint64_t address_count() const;

  private:
    struct Key {
        const mem::AddressSpace* space;
        std::uint64_t address;
        friend bool operator==(const Key&, const Key&) = default;
    };
    struct KeyHash {
        std::size_t operator()(const Key& key) const;
    };
    // One wait; lives on the stack of the worker that sleeps.
    struct Entry {
        wait::Waiter& waiter;
        std::uint64_t arrival = 0;
        bool woken = false;  // taken off the list by a wake
    };
    struct Queue {
        std::vector<Entry*> waiting;
        std::uint64_t abandoned = 0;             // waits that ended without a wake
        std::weak_ptr<mem::AddressSpace> space;  // tells a dead space from a new one at the same place
    };
    struct Bucket {
        std::unordered_map<Key, Queue, KeyHash> queues;
        std::uint64_t arrivals = 0;
        std::uint64_t idle = 0;  // queues where nobody waits
    };
    using GuardedBucket = Guarded<Bucket, LockLevel::kObject>;

    GuardedBucket& bucket(const Key& key);
    // Takes a wait off its list; returns whether a wake was quicker.
    bool leave(const Key& key, Entry& entry, bool abandoned);
    static void forget_abandoned(Bucket& bucket);

    static constexpr std::size_t kBuckets = 16;
    std::array<GuardedBucket, kBuckets> buckets_;
};

}  // namespace halfcell::task
