#pragma once

// The thread that carries orders out. Looking at a run means to hold references to its objects, and dropping
// the last one closes files and ends processes; so whoever reads what strangers send must never hold one. He
// writes an order, and the clerk, who is a thread like any other of the supervisor, goes and looks.

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/control/order.h"

namespace halfcell::control {

class Clerk {
  public:
    // `done` is called on the clerk's thread after each outcome; it must not block. `desk` outlives the
    // clerk. EAGAIN where there is no thread.
    static Result<std::unique_ptr<Clerk>> start(Desk& desk, std::function<void()> done);
    ~Clerk() { end(); }
    Clerk(const Clerk&) = delete;
    Clerk& operator=(const Clerk&) = delete;

    // Finishes the order in hand, whose outcome can still be taken, and forgets the others. Blocks for that.
    void end();

    // Does not wait. As many orders wait as there are connections, at most.
    void give(Order order);
    // What has been done since the last time.
    [[nodiscard]] std::vector<Outcome> take();

  private:
    Clerk(Desk& desk, std::function<void()> done) : desk_(desk), done_(std::move(done)) {}
    void work();

    Desk& desk_;
    const std::function<void()> done_;
    LevelMutex<LockLevel::kObject> mutex_;
    std::condition_variable_any changed_;
    // Guarded by mutex_.
    std::deque<Order> orders_;
    std::vector<Outcome> outcomes_;
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace halfcell::control
