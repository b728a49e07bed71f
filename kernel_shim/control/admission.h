#pragma once

// How fast connections are let in: so many at once, and after that so many a second. Whoever floods the
// socket waits in Linux's backlog, where it costs the guests nothing.

#include <algorithm>
#include <cstdint>

namespace halfcell::control {

class Admission {
  public:
    // `burst` connections at once, where there were none for long; `per_second` in the long run. Not 0.
    Admission(std::uint64_t burst, std::uint64_t per_second)
        : interval_(kSecond / per_second), saved_(burst * interval_) {}

    // Whether one may come in now. `now` in nanoseconds, of a clock that never goes back. Not thread-safe.
    bool may_admit(std::uint64_t now) {
        // What was not used in time is lost beyond the burst.
        used_up_to_ = std::max(used_up_to_, now > saved_ ? now - saved_ : 0);
        return next() <= now;
    }
    // One has come in, when it might.
    void admit() { used_up_to_ += interval_; }
    // When the next one may, in nanoseconds of that clock.
    [[nodiscard]] std::uint64_t next() const { return used_up_to_ + interval_; }

  private:
    static constexpr std::uint64_t kSecond = 1'000'000'000;

    std::uint64_t interval_;        // nanoseconds that one connection uses up
    std::uint64_t saved_;           // that may be used late
    std::uint64_t used_up_to_ = 0;  // the time used by those let in
};

}  // namespace halfcell::control
