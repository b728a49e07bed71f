#include "kernel_shim/task/late_calls.h"

#include <utility>
#include <vector>

#include "kernel_shim/base/check.h"
#include "kernel_shim/task/context.h"

namespace halfcell::task {

scheme::LateReply LateCalls::begin(Call call, const wait::Wait& wait, scheme::LateInterruption interruption) {
    const std::uint64_t before = state_.load(std::memory_order_relaxed);
    HC_CHECK(phase(before) == kIdle, "one call waits at a time");
    const Ticket ticket = before / kPhases + 1;
    waiting_.with([&](Waiting& waiting) { waiting = {std::move(call), interruption}; });
    state_.store(ticket * kPhases + kWaiting, std::memory_order_release);
    context_.waiter().prepare_late(wait, *this, ticket);
    return {std::shared_ptr<LateCall>(context_.shared_from_this(), this), ticket};
}

LateCalls::Claim LateCalls::claim(Ticket ticket, WhenStopped when_stopped) {
    std::uint64_t expected = ticket * kPhases + kWaiting;
    if (state_.load(std::memory_order_acquire) != expected) return Claim::kOver;
    if (when_stopped == WhenStopped::kLeave && context_.waiter().held()) return Claim::kStopped;
    // In this order: who gives up sees either the claim or us.
    inside_.fetch_add(1);
    if (state_.compare_exchange_strong(expected, ticket * kPhases + kClaimed)) return Claim::kClaimed;
    leave();
    return Claim::kOver;
}

void LateCalls::finish(Result<std::uint64_t> value) {
    Call call = waiting_.with([](Waiting& waiting) { return std::exchange(waiting, {}).call; });
    if (value && call.description->positioned()) call.description->advance(*value);
    context_.waiter().end_late();
    // Before the thread runs on: its next call may be here before we are back.
    state_.store(state_.load(std::memory_order_relaxed) / kPhases * kPhases, std::memory_order_release);
    answerer_->answer(call.number, mux(value));
    leave();
    // Where this closes it, that may answer further calls, and so on.
    if (call.description.exclusive()) {
        std::vector<scheme::DescriptionRef> last;
        last.push_back(std::move(call.description));
        scheme::close_in_turn(std::move(last));
    }
}

void LateCalls::leave() {
    if (inside_.fetch_sub(1) == 1) inside_.notify_all();
}

void LateCalls::abandon() {
    std::uint64_t state = state_.load(std::memory_order_acquire);
    Waiting ended;
    if (phase(state) == kWaiting && state_.compare_exchange_strong(state, state / kPhases * kPhases)) {
        context_.waiter().end_late();
        waiting_.with([&](Waiting& waiting) { std::swap(waiting, ended); });
    }
    for (std::uint32_t inside = inside_.load(); inside != 0; inside = inside_.load())
        inside_.wait(inside);
}

std::shared_ptr<wait::LateWait> LateCalls::hold() {
    auto context = context_.weak_from_this().lock();
    if (context == nullptr) return nullptr;
    return {std::move(context), this};
}

void LateCalls::broken(wait::Wake how, std::uint64_t ticket) {
    if (how != wait::Wake::kKilled) {
        // A description keeps the scheme that is told.
        const auto waiting = waiting_.with([](const Waiting& current) {
            return Waiting{{.description = current.call.description}, current.interruption};
        });
        if (const auto& interruption = waiting.interruption; interruption.run != nullptr)
            return interruption.run(interruption.object, interruption.argument, ticket);
    }
    if (claim(ticket, WhenStopped::kAnswer) == Claim::kClaimed) finish(fail(Errno::kEINTR));
}

}  // namespace halfcell::task
