#pragma once

// The calls of one context that are answered late (scheme/late_reply.h): at most one waits at a time. Whoever
// claims it does the worker's part for it, and the worker waits for its thread's next trap meanwhile.

#include <atomic>
#include <cstdint>
#include <memory>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/mem/address_space.h"
#include "kernel_shim/scheme/file_description.h"
#include "kernel_shim/scheme/late_reply.h"
#include "kernel_shim/wait/waiter.h"

namespace halfcell::task {

class Context;

// What happens to a result that is there; the context's worker is the one there is.
class Answerer {
  public:
    // Lets the thread run on with `value` in rax. Any thread; one at a time.
    virtual void answer(std::uint32_t number, std::uint64_t value) = 0;

  protected:
    ~Answerer() = default;
};

class LateCalls final : public scheme::LateCall, public wait::LateWait {
  public:
    explicit LateCalls(Context& context) : context_(context) {}

    // From now on calls may be answered late, through `answerer`, which stays until the worker abandons them;
    // null: they may not. Worker only, while none waits.
    void answer_through(Answerer* answerer) { answerer_ = answerer; }
    [[nodiscard]] bool possible() const { return answerer_ != nullptr; }

    // What a call needs until it is answered.
    struct Call {
        std::uint32_t number = 0;
        std::shared_ptr<mem::AddressSpace> space;
        scheme::DescriptionRef description;
    };

    // The worker's call waits from now on. Worker only, under locks before LockLevel::kWaiter.
    scheme::LateReply begin(Call call, const wait::Wait& wait, scheme::LateInterruption interruption);
    // Ends a wait without an answer, and returns when nobody is at it any more: the answerer may go then.
    // Worker only; hold no lock.
    void abandon();

    Claim claim(Ticket ticket, WhenStopped when_stopped) override;
    [[nodiscard]] bool waits(Ticket ticket) const override {
        return state_.load(std::memory_order_acquire) == ticket * kPhases + kWaiting;
    }
    void finish(Result<std::uint64_t> value) override;

    // Of the waiter: a signal, or the end of the context.
    std::shared_ptr<wait::LateWait> hold() override;
    void broken(wait::Wake how, std::uint64_t ticket) override;

  private:
    // kIdle -> kWaiting -> kClaimed -> kIdle, and kWaiting -> kIdle where the worker gives up. The low bits
    // of state_; above them the ticket.
    enum Phase : std::uint64_t { kIdle = 0, kWaiting = 1, kClaimed = 2 };
    static constexpr std::uint64_t kPhases = 4;
    static Phase phase(std::uint64_t state) { return static_cast<Phase>(state % kPhases); }

    void leave();

    Context& context_;
    Answerer* answerer_ = nullptr;
    std::atomic<std::uint64_t> state_{kIdle};
    // Who may be between claiming a call and the end of answering it.
    std::atomic<std::uint32_t> inside_{0};
    struct Waiting {
        Call call;
        scheme::LateInterruption interruption;
    };
    Guarded<Waiting, LockLevel::kWaiter> waiting_;
};

}  // namespace halfcell::task
