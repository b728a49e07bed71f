#pragma once

// What the supervisor keeps in its own memory for guests, such as bytes that wait in pipes and sockets. It is
// counted, so that a guest cannot have without bound what it may not have in its own memory.

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace halfcell {

// What a descriptor that waits in a queue counts, in bytes: with what nothing else may keep alive any more, a
// pipe, say, in which another one waits.
inline constexpr std::uint64_t kQueuedDescriptorCost = 1024;

// Any thread; never blocks.
class MemoryBudget {
  public:
    static constexpr std::uint64_t kUnlimited = UINT64_MAX;
    explicit MemoryBudget(std::uint64_t limit = kUnlimited) : limit_(limit) {}

    // False, and nothing is taken, where `bytes` more would exceed the limit.
    [[nodiscard]] bool take(std::uint64_t bytes) {
        std::uint64_t held = held_.load(std::memory_order_relaxed);
        do {
            if (held > limit_ || bytes > limit_ - held) return false;
        } while (!held_.compare_exchange_weak(held, held + bytes, std::memory_order_relaxed));
        return true;
    }
    // Takes it even beyond the limit: for what was given back a moment ago by mistake.
    void take_again(std::uint64_t bytes) { held_.fetch_add(bytes, std::memory_order_relaxed); }
    void give_back(std::uint64_t bytes) { held_.fetch_sub(bytes, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t held() const { return held_.load(std::memory_order_relaxed); }

  private:
    const std::uint64_t limit_;
    std::atomic<std::uint64_t> held_{0};
};

// What one owner holds of a budget; it goes back with the owner. Not for use by several threads at once.
class HeldBytes {
  public:
    explicit HeldBytes(std::shared_ptr<MemoryBudget> budget) : budget_(std::move(budget)) {}
    HeldBytes(const HeldBytes&) = delete;
    HeldBytes& operator=(const HeldBytes&) = delete;
    ~HeldBytes() { shrink(bytes_); }

    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
    // False, and nothing changes, where the budget has not that much left.
    [[nodiscard]] bool grow(std::uint64_t bytes) {
        if (!budget_->take(bytes)) return false;
        bytes_ += bytes;
        return true;
    }
    // Grows beyond what is left, too: MemoryBudget::take_again.
    void grow_again(std::uint64_t bytes) {
        budget_->take_again(bytes);
        bytes_ += bytes;
    }
    void shrink(std::uint64_t bytes) {
        bytes_ -= bytes;
        budget_->give_back(bytes);
    }
    // Takes over what another owner holds of the same budget.
    void absorb(HeldBytes& other) { bytes_ += std::exchange(other.bytes_, 0); }

  private:
    const std::shared_ptr<MemoryBudget> budget_;
    std::uint64_t bytes_ = 0;
};

}  // namespace halfcell
