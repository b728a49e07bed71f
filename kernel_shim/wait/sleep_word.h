#pragma once

// A futex on which one thread sleeps and which others wake. The wake-up itself waits until the waker holds no
// lock (base/after_locks.h): the sleeper usually shares its CPU.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace halfcell::wait {

// Monotonic; nullopt waits for ever.
using Deadline = std::optional<std::chrono::steady_clock::time_point>;

// How a sleep ended that was for two words.
enum class Watched : unsigned char {
    kWoken,    // wake() was called
    kChanged,  // the other word may have another value by now
    kRefused,  // the host does not let us wait for both
};

class SleepWord {
  public:
    // Forgets earlier calls of wake(). Owner only.
    void arm() { word_.store(kIdle, std::memory_order_relaxed); }
    // Until wake() was called after arm(): true; false when the deadline passed first. Blocks. Owner only; no
    // lock may be held.
    bool sleep(Deadline deadline);
    // Until then, or until another process has woken `shared`, a futex, which was to be `seen`. After
    // kChanged the sleep may go on. Blocks. Owner only; no lock may be held.
    Watched sleep_or(const std::atomic<std::uint32_t>& shared, std::uint32_t seen);
    // Any thread, also under locks.
    void wake();
    // Whether wake() was called after arm(). Owner only.
    [[nodiscard]] bool woken() const { return word_.load(std::memory_order_acquire) == kWoken; }

  private:
    static constexpr std::uint32_t kIdle = 0;
    static constexpr std::uint32_t kWoken = 1;
    static constexpr std::uint32_t kAsleep = 2;

    std::atomic<std::uint32_t> word_{kIdle};
};

}  // namespace halfcell::wait
