#pragma once

// The lock that all sockets of a scheme share: what happens to one nearly always happens to its peer as well.
// What has to be told or closed because of it waits until the lock is free.

#include <functional>
#include <utility>
#include <vector>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/ids.h"
#include "kernel_shim/scheme/file_description.h"

namespace halfcell::ipc {

struct SocketHub {
    // `handle` has become ready for `flags` (abi::EventFlags). Called without a lock, from any thread.
    using Ready = std::function<void(HandleNumber handle, std::uint64_t flags)>;
    explicit SocketHub(Ready the_ready) : ready(std::move(the_ready)) {}

    const Ready ready;
    LevelMutex<LockLevel::kObject> mutex;
};

// Holds the lock while it lives. Lockable, so that wait::WaitQueue and scheme::CopyTurn can let go of it.
class SocketLock {
  public:
    explicit SocketLock(SocketHub& hub) : hub_(hub) { lock(); }
    SocketLock(const SocketLock&) = delete;
    SocketLock& operator=(const SocketLock&) = delete;
    ~SocketLock() {
        if (held_) unlock();
    }

    void lock() {
        hub_.mutex.lock();
        held_ = true;
    }
    // Then tells and closes what has come up.
    void unlock() {
        held_ = false;
        hub_.mutex.unlock();
        for (const auto& [handle, flags] : std::exchange(news_, {}))
            hub_.ready(handle, flags);
        scheme::close_in_turn(std::exchange(dropped_, {}));
    }

    void report(HandleNumber handle, std::uint64_t flags) { news_.emplace_back(handle, flags); }
    void drop(std::vector<scheme::DescriptionRef> descriptions) {
        std::move(descriptions.begin(), descriptions.end(), std::back_inserter(dropped_));
    }

  private:
    SocketHub& hub_;
    bool held_ = false;
    std::vector<std::pair<HandleNumber, std::uint64_t>> news_;
    std::vector<scheme::DescriptionRef> dropped_;
};

}  // namespace halfcell::ipc
