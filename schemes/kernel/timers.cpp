#include "schemes/kernel/timers.h"

#include <algorithm>
#include <chrono>
#include <system_error>

#include "abi/flags.h"

namespace halfcell::schemes {

namespace {

// A due time that no clock reaches.
constexpr std::uint64_t kNever = UINT64_MAX;

// Seconds and nanoseconds as one signed count, as upstream adds them up; what is negative or too large for
// 64 bits is so far away that it never comes.
std::uint64_t due_time(const abi::TimeSpec& time) {
    std::int64_t total = 0;
    if (__builtin_mul_overflow(time.tv_sec, std::int64_t{1'000'000'000}, &total)) return kNever;
    if (__builtin_add_overflow(total, std::int64_t{time.tv_nsec}, &total)) return kNever;
    return total < 0 ? kNever : static_cast<std::uint64_t>(total);
}

}  // namespace

Timers::~Timers() {
    std::thread thread;
    {
        std::lock_guard lock(mutex_);
        state_.stopping = true;
        thread = std::move(state_.thread);
        changed_.notify_all();
    }
    if (thread.joinable()) thread.join();
}

Result<void> Timers::start() {
    try {
        state_.thread = std::thread([this] { run(); });
    } catch (const std::system_error&) {
        return fail(Errno::kENOMEM);
    }
    return {};
}

Result<void> Timers::arm(HandleNumber handle, std::uint64_t clock_id, const abi::TimeSpec& time) {
    const std::uint64_t due = due_time(time);
    std::lock_guard lock(mutex_);
    if (state_.monotonic.size() + state_.realtime.size() >= kLimit) return fail(Errno::kENOMEM);
    if (!state_.thread.joinable()) TRY(start());
    Queue& queue = clock_id == abi::Clock::kRealtime ? state_.realtime : state_.monotonic;
    const auto added = queue.emplace(due, handle);
    ++state_.per_handle[handle];
    if (added == queue.begin()) changed_.notify_all();
    return {};
}

void Timers::forget(HandleNumber handle) {
    std::lock_guard lock(mutex_);
    if (state_.per_handle.erase(handle) == 0) return;
    const auto armed_by_handle = [handle](const auto& timer) { return timer.second == handle; };
    std::erase_if(state_.monotonic, armed_by_handle);
    std::erase_if(state_.realtime, armed_by_handle);
}

void Timers::clock_changed() {
    std::lock_guard lock(mutex_);
    changed_.notify_all();
}

std::uint64_t Timers::count() const {
    std::lock_guard lock(mutex_);
    return state_.monotonic.size() + state_.realtime.size();
}

std::vector<HandleNumber> Timers::take_due() {
    std::vector<HandleNumber> due;
    const auto take = [&](Queue& queue, std::uint64_t now) {
        const auto end = queue.upper_bound(now);
        for (auto it = queue.begin(); it != end; ++it) {
            due.push_back(it->second);
            const auto armed = state_.per_handle.find(it->second);
            if (--armed->second == 0) state_.per_handle.erase(armed);
        }
        queue.erase(queue.begin(), end);
    };
    take(state_.monotonic, clock_.monotonic());
    take(state_.realtime, clock_.realtime());
    return due;
}

std::optional<std::uint64_t> Timers::until_next() const {
    std::uint64_t wait = kNever;
    const auto look = [&](const Queue& queue, std::uint64_t now) {
        if (queue.empty() || queue.begin()->first == kNever) return;
        const std::uint64_t due = queue.begin()->first;
        wait = std::min(wait, due > now ? due - now : 0);
    };
    look(state_.monotonic, clock_.monotonic());
    look(state_.realtime, clock_.realtime());
    if (wait == kNever) return std::nullopt;
    return wait;
}

void Timers::run() {
    // Longer sleeps are cut short, so that no sum of times overflows; waking once in a day is not a wake-up.
    constexpr std::uint64_t kLongest = std::uint64_t{86'400} * 1'000'000'000;
    std::unique_lock lock(mutex_);
    while (!state_.stopping) {
        const std::vector<HandleNumber> due = take_due();
        if (!due.empty()) {
            lock.unlock();
            for (const HandleNumber handle : due)
                fire_(handle);
            lock.lock();
            continue;
        }
        if (const auto wait = until_next())
            changed_.wait_for(lock, std::chrono::nanoseconds(std::min(*wait, kLongest)));
        else
            changed_.wait(lock);
    }
}

}  // namespace halfcell::schemes
