#pragma once

// A mutex on SYS_FUTEX: one atomic exchange when nobody competes.

#include <cstdint>

namespace halfcell::userland {

class Mutex {
  public:
    constexpr Mutex() = default;
    Mutex(const Mutex&) = delete;
    Mutex& operator=(const Mutex&) = delete;

    // Blocks until the lock is free. Not recursive.
    void lock();
    void unlock();

  private:
    // 0 free, 1 held, 2 held and someone may sleep.
    std::uint32_t state_ = 0;
};

class MutexGuard {
  public:
    explicit MutexGuard(Mutex& mutex) : mutex_(mutex) { mutex_.lock(); }
    ~MutexGuard() { mutex_.unlock(); }
    MutexGuard(const MutexGuard&) = delete;
    MutexGuard& operator=(const MutexGuard&) = delete;

  private:
    Mutex& mutex_;
};

}  // namespace halfcell::userland
