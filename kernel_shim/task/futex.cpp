#include "kernel_shim/task/futex.h"

#include <algorithm>
#include <chrono>

#include "kernel_shim/base/check.h"

namespace halfcell::task {

namespace {

// Abandoned waits cost memory that nobody asked for; past this many addresses of a bucket they are forgotten.
constexpr std::uint64_t kMostIdleQueues = 256;

// The word at an aligned address, zero-extended. EFAULT.
Result<std::uint64_t> read_word(const mem::AddressSpace& space, std::uint64_t address, unsigned width) {
    std::uint64_t word = 0;
    TRY(space.read(address, std::as_writable_bytes(std::span(&word, 1)).first(width)));
    return word;
}

}  // namespace

std::size_t FutexTable::KeyHash::operator()(const Key& key) const {
    // Futexes of one program differ in a few bits above the alignment: spread them by a multiplication.
    constexpr std::uint64_t kOdd = 0x9e37'79b9'7f4a'7c15;
    const auto mixed = (key.address ^ reinterpret_cast<std::uintptr_t>(key.space)) * kOdd;
    return mixed >> 32;
}

FutexTable::GuardedBucket& FutexTable::bucket(const Key& key) {
    return buckets_[KeyHash()(key) % kBuckets];
}

bool FutexTable::leave(const Key& key, Entry& entry, bool abandoned) {
    return bucket(key).with([&](Bucket& bucket) {
        if (entry.woken) return true;
        const auto found = bucket.queues.find(key);
        HC_CHECK(found != bucket.queues.end(), "a wait that was not woken is on its list");
        Queue& queue = found->second;
        std::erase(queue.waiting, &entry);
        if (abandoned) ++queue.abandoned;
        if (!queue.waiting.empty()) return false;
        if (queue.abandoned == 0)
            bucket.queues.erase(found);
        else
            ++bucket.idle;
        return false;
    });
}

void FutexTable::forget_abandoned(Bucket& bucket) {
    std::erase_if(bucket.queues, [](const auto& item) { return item.second.waiting.empty(); });
    bucket.idle = 0;
}

Result<std::uint64_t> FutexTable::wait(mem::AddressSpace& space, std::uint64_t address,
                                       std::uint64_t expected, unsigned width, wait::Waiter& waiter,
                                       wait::Deadline deadline) {
    TRY(space.frame_of(address));
    if (address % width != 0) return fail(Errno::kEINVAL);
    if (TRY(read_word(space, address, width)) != expected) return fail(Errno::kEAGAIN);
    if (waiter.interruption_pending()) return fail(Errno::kEINTR);

    const Key key{&space, address};
    Entry entry{waiter};
    waiter.prepare({.reason = "futex", .timed = deadline.has_value()});
    waiter.end_if_signalled();
    bucket(key).with([&](Bucket& bucket) {
        if (bucket.idle > kMostIdleQueues) forget_abandoned(bucket);
        const auto [found, fresh] = bucket.queues.try_emplace(key);
        Queue& queue = found->second;
        if (!fresh && queue.waiting.empty()) --bucket.idle;
        if (queue.waiting.empty() && queue.space.expired()) queue.abandoned = 0;
        queue.space = space.weak_from_this();
        entry.arrival = bucket.arrivals++;
        queue.waiting.push_back(&entry);
    });

    // Guest memory is not touched under a lock, so the word is looked at once more now that no wake can be
    // missed: whoever changes it from here on finds this wait on the list.
    const auto word = read_word(space, address, width);
    if (!word || *word != expected) {
        waiter.sleep(std::chrono::steady_clock::now());  // ends what prepare() began
        // A wake that was spent on this wait belongs to somebody who does sleep.
        if (leave(key, entry, false)) (void)wake(space, address, 1);
        return fail(word ? Errno::kEAGAIN : word.error());
    }

    const wait::Wake how = waiter.sleep(deadline);
    const bool gave_up = how == wait::Wake::kTimedOut || how == wait::Wake::kInterrupted;
    if (leave(key, entry, gave_up)) return 0;
    switch (how) {
        case wait::Wake::kTimedOut:
            return fail(Errno::kETIMEDOUT);
        case wait::Wake::kHalted:
        case wait::Wake::kKilled:
            return fail(Errno::kEINTR);
        case wait::Wake::kNotified:
        case wait::Wake::kInterrupted:
            break;
    }
    return 0;
}

Result<std::uint64_t> FutexTable::wake(mem::AddressSpace& space, std::uint64_t address, std::uint64_t count) {
    TRY(space.frame_of(address));
    const Key key{&space, address};
    return bucket(key).with([&](Bucket& bucket) -> std::uint64_t {
        const auto found = bucket.queues.find(key);
        if (found == bucket.queues.end()) return 0;
        Queue& queue = found->second;
        const bool was_idle = queue.waiting.empty();
        if (was_idle && queue.space.expired()) queue.abandoned = 0;

        std::vector<Entry*> chosen;
        while (chosen.size() < count && !queue.waiting.empty()) {
            chosen.push_back(queue.waiting.front());
            queue.waiting.front() = queue.waiting.back();
            queue.waiting.pop_back();
        }
        // Upstream's scheduler runs those woken together in the order they came.
        std::sort(chosen.begin(), chosen.end(),
                  [](const Entry* left, const Entry* right) { return left->arrival < right->arrival; });
        for (Entry* const entry : chosen) {
            entry->woken = true;
            entry->waiter.notify();
        }
        const std::uint64_t counted = std::min(queue.abandoned, count - chosen.size());
        queue.abandoned -= counted;
        if (queue.waiting.empty()) {
            if (was_idle) --bucket.idle;
            if (queue.abandoned == 0)
                bucket.queues.erase(found);
            else
                ++bucket.idle;
        }
        return chosen.size() + counted;
    });
}

std::uint64_t FutexTable::waiter_count() const {
    std::uint64_t count = 0;
    for (const GuardedBucket& guarded : buckets_)
        guarded.with([&](const Bucket& bucket) {
            for (const auto& [key, queue] : bucket.queues)
                count += queue.waiting.size() + queue.abandoned;
        });
    return count;
}

std::uint64_t FutexTable::address_count() const {
    std::uint64_t count = 0;
    for (const GuardedBucket& guarded : buckets_)
        guarded.with([&](const Bucket& bucket) { count += bucket.queues.size(); });
    return count;
}

}  // namespace halfcell::task
