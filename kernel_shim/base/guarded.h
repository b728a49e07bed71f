#pragma once

// Data lives inside its lock, and locks have levels: a lock may only be taken while the levels held by the
// thread are all lower. The order is drawn in kernel_shim/README.md; a violation aborts (it is our bug).

#include <mutex>
#include <utility>

#include "kernel_shim/base/check.h"

namespace halfcell {

// From the outside in: a thread that holds one level may take a later one only.
enum class LockLevel : unsigned char {
    kNone = 0,
    kRegistry,      // scheme registry, namespaces, process table
    kContextTable,  // id -> context
    kScheme,        // the handle map of one scheme
    kFileTable,     // one file table
    kContext,       // the mutable part of one context
    kAddressSpace,  // the grants of one address space
    kDescription,   // offset and flags of one description
    kObject,        // a pipe, a futex bucket, a timer list
    kEvents,        // who wants to hear of what
    kEventQueue,    // one event queue
    kWaiter,        // one parked waiter
    kPool,          // the frame pool
    kAgent,         // the command channel of one agent
    kLog,           // trace and log sinks
};

namespace detail {

// Levels held by this thread, a bit each.
inline thread_local unsigned held_lock_levels = 0;
// Whether something is to be done as soon as there are none (after_locks.h).
inline thread_local bool actions_wait = false;
void run_waiting_actions();

inline void enter_level(LockLevel level) {
    const unsigned bit = 1U << static_cast<unsigned>(level);
    HC_CHECK(held_lock_levels < bit, "locks taken against their order");
    held_lock_levels |= bit;
}
inline void leave_level(LockLevel level) {
    held_lock_levels &= ~(1U << static_cast<unsigned>(level));
    if (actions_wait && held_lock_levels == 0) [[unlikely]]
        run_waiting_actions();
}

}  // namespace detail

// A mutex that knows its level. Lockable, so std::unique_lock and std::condition_variable_any accept it.
template <LockLevel level>
class LevelMutex {
  public:
    void lock() {
        detail::enter_level(level);
        mutex_.lock();
    }
    void unlock() {
        mutex_.unlock();
        detail::leave_level(level);
    }

  private:
    std::mutex mutex_;
};

// The only way to a T that several threads share.
template <typename T, LockLevel level>
class Guarded {
  public:
    Guarded() = default;
    template <typename... Args>
    explicit Guarded(std::in_place_t, Args&&... args) : value_(std::forward<Args>(args)...) {}

    // Runs `use(T&)` under the lock and returns what it returns. Blocks while another thread is inside.
    template <typename Use>
    decltype(auto) with(Use&& use) {
        std::lock_guard lock(mutex_);
        return std::forward<Use>(use)(value_);
    }
    template <typename Use>
    decltype(auto) with(Use&& use) const {
        std::lock_guard lock(mutex_);
        return std::forward<Use>(use)(value_);
    }

  private:
    mutable LevelMutex<level> mutex_;
    T value_{};
};

}  // namespace halfcell
