#pragma once

// The thread that finds CPUs for guest threads. Linux cannot: pairs are pinned (thread_pair.h), or it would
// tear them apart. Everything begins on the CPU of its maker. At looks some milliseconds apart, as long as
// more than one guest thread lives and any of them runs, new threads that have lasted are given room once,
// and threads that compute instead of making calls are moved to where less is done.

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "kernel_shim/agent/thread_pair.h"
#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/result.h"
#include "kernel_shim/host/unique_fd.h"

namespace halfcell::agent {

// What a look shows of one pair.
struct PairLook {
    int cpu = 0;
    bool active = false;     // trapped since the last look, or runs now
    bool computing = false;  // runs, and hardly ever traps
    bool movable = false;    // new, or computing for more than one look
};

struct PairMove {
    std::size_t pair = 0;  // index among the looks
    int cpu = 0;
};

// Which pairs to move so that less runs together. Never one that would not gain by it, so a second call with
// the outcome moves nothing.
[[nodiscard]] std::vector<PairMove> spread(std::span<const PairLook> looks, std::span<const int> cpus);

class Spreader {
  public:
    // `cpus` are those guests may use. EMFILE, ENFILE, EAGAIN.
    static Result<std::unique_ptr<Spreader>> create(std::vector<int> cpus);
    Spreader(const Spreader&) = delete;
    Spreader& operator=(const Spreader&) = delete;
    // Joins the thread.
    ~Spreader();

    // The calling thread is the pair's worker: pins it where the guest is. Takes the agent lock, for as long
    // as a look takes at most.
    void add(const std::shared_ptr<ThreadPair>& pair);
    // The guest has ended; where it was pinned. Nobody moves it after that. Takes the agent lock. Any thread.
    int remove(ThreadPair& pair);

    // A guest runs on. Any thread; costs a load where the spreader is awake.
    void notice() {
        if (__builtin_expect(asleep_.load(std::memory_order_relaxed), 0)) wake();
    }

  private:
    Spreader(std::vector<int> cpus, host::UniqueFd event);
    void loop();
    enum class Seen { kActive, kQuiet, kAlone };
    Seen look();
    void wake();

    struct Pairs {
        std::vector<std::shared_ptr<ThreadPair>> list;
        // Nobody looks, since there are less than two, who need nobody to look.
        bool alone = false;
    };

    const std::vector<int> cpus_;
    const host::UniqueFd event_;  // wakes the thread
    std::atomic<bool> quit_{false};
    // Nobody looks, since no guest runs.
    std::atomic<bool> asleep_{false};
    Guarded<Pairs, LockLevel::kAgent> pairs_;
    std::thread thread_;
};

}  // namespace halfcell::agent
