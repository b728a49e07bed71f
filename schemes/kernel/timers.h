#pragma once

// One-shot timers of the time scheme: one thread for all of them, started with the first and asleep until the
// earliest is due. Source: kernel:src/context/timeout.rs.

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "abi/data.h"
#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/ids.h"
#include "kernel_shim/base/result.h"
#include "kernel_shim/task/clock.h"

namespace halfcell::schemes {

class Timers {
  public:
    // `fire` runs on the timer thread, without any lock, once per timer that came due. `clock` outlives this.
    Timers(const task::Clock& clock, std::function<void(HandleNumber)> fire)
        : clock_(clock), fire_(std::move(fire)) {}
    Timers(const Timers&) = delete;
    Timers& operator=(const Timers&) = delete;
    // Waits for the thread, which may be inside `fire`.
    ~Timers();

    // Adds a timer at an absolute time of a clock (abi::Clock). Every call adds
    // one; times past fire at once, negative and inexpressible ones never. ENOMEM beyond kLimit (safer:
    // upstream grows without bound), or when the host has no thread to give.
    Result<void> arm(HandleNumber handle, std::uint64_t clock_id, const abi::TimeSpec& time);
    // Drops what a handle has armed: nobody can hear it any more. Upstream keeps it until it is due (safer).
    void forget(HandleNumber handle);
    // Real time has been set: deadlines on it are due earlier or later now.
    void clock_changed();

    // Timers that wait, for sys:stat.
    [[nodiscard]] std::uint64_t count() const;

    static constexpr std::size_t kLimit = 65536;

  private:
    // Due time in nanoseconds of its clock -> who armed it.
    using Queue = std::multimap<std::uint64_t, HandleNumber>;
    struct State {
        Queue monotonic;
        Queue realtime;
        std::map<HandleNumber, std::uint64_t> per_handle;  // how many each handle has waiting
        bool stopping = false;
        std::thread thread;
    };

    // Makes the thread; ENOMEM when the host has none to give. mutex_ must be held.
    Result<void> start();
    void run();
    // Takes what is due out of both queues. mutex_ must be held.
    std::vector<HandleNumber> take_due();
    // Nanoseconds until the next timer; nullopt where none will ever come due. mutex_ must be held.
    [[nodiscard]] std::optional<std::uint64_t> until_next() const;

    const task::Clock& clock_;
    const std::function<void(HandleNumber)> fire_;
    mutable LevelMutex<LockLevel::kObject> mutex_;
    State state_;  // guarded by mutex_
    std::condition_variable_any changed_;
};

}  // namespace halfcell::schemes
