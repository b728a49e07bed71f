#pragma once

// Calls that are answered after their handler has returned. Where a call must wait, its worker usually sleeps
// until somebody wakes it, and then answers. Where the answer needs nothing of the worker, whoever brings it
// may give it to the guest's thread at once: the worker waits for the next call meanwhile, and two switches
// and a wake-up are spared on each side.

#include <cstdint>
#include <memory>

#include "kernel_shim/base/result.h"
#include "kernel_shim/wait/waiter.h"

namespace halfcell::scheme {

// The far end of such a call, for whoever brings the answer.
class LateCall {
  public:
    // Names one wait of one context.
    using Ticket = std::uint64_t;
    enum class Claim : std::uint8_t {
        kClaimed,  // finish() it now
        kStopped,  // its context is stopped, and takes nothing before it goes on; claim it later
        kOver,     // it was answered, or ended otherwise
    };
    // Whether a context that is stopped is answered nonetheless: where the answer is its own already, and not
    // something that others could have instead.
    enum class WhenStopped : std::uint8_t { kAnswer, kLeave };

    // From kClaimed to finish() nobody else ends the call, and its context, memory and description stay. Any
    // thread, also under locks before LockLevel::kWaiter.
    virtual Claim claim(Ticket ticket, WhenStopped when_stopped) = 0;
    // Whether it still waits. Any thread; a snapshot.
    [[nodiscard]] virtual bool waits(Ticket ticket) const = 0;
    // Answers what was claimed: moves the offset of the description by the value, where its transfers do
    // that, and lets the guest's thread run on. May drop the last reference to the description; hold no lock.
    virtual void finish(Result<std::uint64_t> value) = 0;

  protected:
    ~LateCall() = default;
};

// A reference to one wait; it keeps nothing alive.
struct LateReply {
    std::weak_ptr<LateCall> call;
    LateCall::Ticket ticket = 0;
};

// What becomes of a late call that is interrupted: without one of these it ends with EINTR.
struct LateInterruption {
    // Runs once at most, on the thread that interrupts, without a lock; the scheme is there meanwhile, but
    // the call may be over.
    void (*run)(void* object, std::uint64_t argument, LateCall::Ticket ticket) = nullptr;
    void* object = nullptr;
    std::uint64_t argument = 0;
};

// What a handler may do instead of waiting, once.
class LateOffer {
  public:
    // Takes it: the call is in `wait` (Waiter::prepare) from now on, and may be answered before this
    // returns. The handler returns, and nobody looks at what. Call it under the lock of the object where the
    // reply is kept. Worker only.
    virtual LateReply accept(const wait::Wait& wait, LateInterruption interruption) = 0;

  protected:
    ~LateOffer() = default;
};

}  // namespace halfcell::scheme
