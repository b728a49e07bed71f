#include "kernel_shim/control/clerk.h"

#include <system_error>
#include <utility>

namespace halfcell::control {

Result<std::unique_ptr<Clerk>> Clerk::start(Desk& desk, std::function<void()> done) {
    std::unique_ptr<Clerk> clerk(new Clerk(desk, std::move(done)));
    try {
        clerk->thread_ = std::thread([raw = clerk.get()] { raw->work(); });
    } catch (const std::system_error&) {
        return fail(Errno::kEAGAIN);
    }
    return clerk;
}

void Clerk::end() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
        changed_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
}

void Clerk::give(Order order) {
    const std::lock_guard lock(mutex_);
    orders_.push_back(std::move(order));
    changed_.notify_one();
}

std::vector<Outcome> Clerk::take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(outcomes_, {});
}

void Clerk::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return ending_ || !orders_.empty(); });
        if (ending_) return;
        const Order order = std::move(orders_.front());
        orders_.pop_front();
        lock.unlock();
        Outcome outcome{order.connection, desk_.carry_out(order)};
        lock.lock();
        outcomes_.push_back(std::move(outcome));
        lock.unlock();
        done_();
        lock.lock();
    }
}

}  // namespace halfcell::control
