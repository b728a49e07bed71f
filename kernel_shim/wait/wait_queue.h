#pragma once

// Contexts that wait for one condition of one object. The object's own lock guards the queue: enlist under
// it, so that no wake-up is lost. Source: kernel:src/sync/wait_condition.rs.

#include <mutex>
#include <vector>

#include "kernel_shim/base/result.h"
#include "kernel_shim/wait/waiter.h"

namespace halfcell::wait {

class WaitQueue {
  public:
    WaitQueue() = default;
    // `wakers`: whoever can bring the news that is waited for here.
    explicit WaitQueue(Wakers wakers) : wakers_(wakers) {}

    // Releases `lock` (the object's), sleeps, takes it again. The caller then re-checks its condition.
    // EINTR when a signal is pending before or the wait was interrupted or the context killed; ETIMEDOUT.
    template <typename Lock>
    Result<void> wait(Lock& lock, Waiter& waiter, const char* reason, Deadline deadline = {}) {
        waiter.prepare({reason, wakers_, deadline.has_value()});
        waiter.end_if_signalled();
        waiters_.push_back(&waiter);
        lock.unlock();
        const Wake wake = waiter.sleep(deadline);
        lock.lock();
        std::erase(waiters_, &waiter);
        switch (wake) {
            case Wake::kNotified:
                return {};
            case Wake::kTimedOut:
                return fail(Errno::kETIMEDOUT);
            case Wake::kInterrupted:
            case Wake::kHalted:
            case Wake::kKilled:
                break;
        }
        return fail(Errno::kEINTR);
    }

    // Wakes all, or the one that waits longest. The object's lock must be held.
    void notify_all() {
        for (Waiter* waiter : waiters_)
            waiter->notify();
    }
    void notify_one() {
        if (!waiters_.empty()) waiters_.front()->notify();
    }
    [[nodiscard]] bool empty() const { return waiters_.empty(); }

  private:
    const Wakers wakers_;
    std::vector<Waiter*> waiters_;
};

}  // namespace halfcell::wait
