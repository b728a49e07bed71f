#include "kernel_shim/task/worker.h"

#include <sched.h>

#include <algorithm>
#include <system_error>
#include <thread>
#include <utility>

#include "kernel_shim/task/guest_loop.h"
#include "kernel_shim/task/kernel.h"

namespace halfcell::task {

Workers::~Workers() {
    for (const auto& context : kernel_.contexts.all())
        kill(context, true);
    wait_all();
    std::unique_lock lock(mutex_);
    closing_ = true;
    for (Idle* const idle : std::exchange(idle_, {}))
        idle->word.wake();
    finished_.wait(lock, [this] { return threads_ == 0; });
}

void Workers::kill(const std::shared_ptr<Context>& context, bool forced) {
    if (!context->kill(forced)) return;
    context->die(std::nullopt);
    kernel_.contexts.remove(context->id());
}

Result<void> Workers::start(const std::shared_ptr<Context>& context) {
    auto spawn = [&]() -> Result<void> {
        const auto space = context->address_space();
        if (space == nullptr) return fail(Errno::kESRCH);
        auto thread = TRY(start_guest_thread(kernel_, *space, context->initial_registers()));
        Job job{context, std::move(thread)};
        if (hand_over(job)) return {};
        try {
            std::thread([this, job = std::move(job)]() mutable { work(std::move(job)); }).detach();
        } catch (const std::system_error&) {
            std::lock_guard lock(mutex_);
            --running_;
            --threads_;
            return fail(Errno::kEAGAIN);
        }
        return {};
    };
    const Result<void> started = spawn();
    if (!started) {
        context->die(std::nullopt);
        kernel_.contexts.remove(context->id());
    }
    return started;
}

// Counts the job; false where it needs a thread of its own, which is then counted too.
bool Workers::hand_over(Job& job) {
    const int cpu = ::sched_getcpu();
    std::lock_guard lock(mutex_);
    ++running_;
    const auto near =
        std::find_if(idle_.rbegin(), idle_.rend(), [&](Idle* idle) { return idle->cpu == cpu; });
    if (near == idle_.rend()) {
        ++threads_;
        return false;
    }
    Idle* const idle = *near;
    idle_.erase(std::next(near).base());
    idle->job = std::move(job);
    idle->word.wake();
    return true;
}

void Workers::work(Job job) {
    for (std::optional<Job> next(std::move(job)); next; next = next_job())
        run(std::move(*next));
    // Whoever waits for the last thread may take all of this apart next.
    std::lock_guard lock(mutex_);
    --threads_;
    finished_.notify_all();
}

void Workers::run(Job job) {
    job.context->waiter().adopt_this_thread();
    GuestLoop(kernel_, calls_, *job.context, std::move(job.thread)).run();
    kernel_.contexts.remove(job.context->id());
    // Whoever waits for the last job may look at what is left next, so nothing of it may be held then.
    job.context.reset();
    std::lock_guard lock(mutex_);
    --running_;
    finished_.notify_all();
}

std::optional<Workers::Job> Workers::next_job() {
    Idle self{.cpu = ::sched_getcpu(), .job = {}, .word = {}};
    {
        std::lock_guard lock(mutex_);
        if (closing_ || idle_.size() >= kMostIdle) return std::nullopt;
        idle_.push_back(&self);
    }
    (void)self.word.sleep(std::nullopt);
    // Under the lock, so that whoever woke us has let go of `self`.
    std::lock_guard lock(mutex_);
    if (self.job.context == nullptr) return std::nullopt;
    return std::move(self.job);
}

void Workers::wait_all() {
    std::unique_lock lock(mutex_);
    finished_.wait(lock, [this] { return running_ == 0; });
}

}  // namespace halfcell::task
