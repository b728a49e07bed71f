#include "kernel_shim/task/signal_recheck.h"

#include <chrono>
#include <system_error>

#include "kernel_shim/task/context.h"

namespace halfcell::task {

// Source: kernel:src/arch/x86_shared/device/pit.rs, one tick.
constexpr auto kTick = std::chrono::milliseconds(4);

SignalRecheck::~SignalRecheck() {
    {
        std::lock_guard lock(mutex_);
        ending_ = true;
        changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
}

void SignalRecheck::add(std::weak_ptr<Context> context) {
    std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(context));
    if (thread_.joinable()) {
        if (waiting_.size() == 1) changed_.notify_all();
        return;
    }
    try {
        thread_ = std::thread([this] { run(); });
    } catch (const std::system_error&) {
        waiting_.clear();
    }
}

void SignalRecheck::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
        if (changed_.wait_for(lock, kTick, [this] { return ending_; })) return;
        std::vector<std::weak_ptr<Context>> due;
        due.swap(waiting_);
        lock.unlock();
        for (const auto& weak : due)
            if (const auto context = weak.lock(); context != nullptr && context->signal_pending())
                context->signal_raised();
        due.clear();
        lock.lock();
    }
}

}  // namespace halfcell::task
