#pragma once

// Whose turn it is to copy bytes that must stay put meanwhile, without the lock of the object they belong to:
// guest memory has a lock of its own that comes earlier. A copy always ends soon, so the wait for one's turn
// needs no name and cannot be interrupted.

#include <condition_variable>
#include <cstdint>

namespace halfcell::scheme {

// The object's own lock guards it; every member function wants that lock held.
class CopyTurn {
  public:
    // Waits until nobody copies. Releases `lock` meanwhile.
    template <typename Lock>
    void await(Lock& lock) {
        if (!taken_) return;
        ++waiting_;
        ended_.wait(lock, [this] { return !taken_; });
        --waiting_;
    }
    // Takes the turn, which nobody has.
    void begin() { taken_ = true; }
    void end() {
        taken_ = false;
        if (waiting_ > 0) ended_.notify_all();
    }
    [[nodiscard]] bool taken() const { return taken_; }

  private:
    bool taken_ = false;
    std::uint32_t waiting_ = 0;
    std::condition_variable_any ended_;
};

}  // namespace halfcell::scheme
