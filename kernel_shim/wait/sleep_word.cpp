#include "kernel_shim/wait/sleep_word.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <ctime>

#include "kernel_shim/base/after_locks.h"

namespace halfcell::wait {

namespace {

// Whoever owned the word may be gone: the address is then nobody's, or somebody wakes for nothing.
void wake_sleeper(void* word) {
    ::syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

timespec absolute(std::chrono::steady_clock::time_point time) {
    using namespace std::chrono;
    const auto since_start = std::max(time.time_since_epoch(), steady_clock::duration::zero());
    const auto whole = duration_cast<seconds>(since_start);
    return {.tv_sec = whole.count(), .tv_nsec = duration_cast<nanoseconds>(since_start - whole).count()};
}

}  // namespace

bool SleepWord::sleep(Deadline deadline) {
    std::uint32_t seen = kIdle;
    if (!word_.compare_exchange_strong(seen, kAsleep)) return true;
    timespec end{};
    if (deadline) end = absolute(*deadline);
    for (;;) {
        const long result = ::syscall(SYS_futex, &word_, FUTEX_WAIT_BITSET_PRIVATE, kAsleep,
                                      deadline ? &end : nullptr, nullptr, FUTEX_BITSET_MATCH_ANY);
        const bool late = result != 0 && errno == ETIMEDOUT;
        if (word_.load() == kWoken) return true;
        seen = kAsleep;
        if (late) return !word_.compare_exchange_strong(seen, kIdle);
    }
}

Watched SleepWord::sleep_or(const std::atomic<std::uint32_t>& shared, std::uint32_t seen) {
    std::uint32_t own = kIdle;
    if (!word_.compare_exchange_strong(own, kAsleep)) return Watched::kWoken;
    futex_waitv words[2] = {
        {.val = kAsleep,
         .uaddr = reinterpret_cast<std::uintptr_t>(&word_),
         .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG},
        {.val = seen, .uaddr = reinterpret_cast<std::uintptr_t>(&shared), .flags = FUTEX_32}};
    const long result = ::syscall(SYS_futex_waitv, words, 2, 0, nullptr, 0);
    const bool refused = result < 0 && errno != EAGAIN && errno != EINTR;
    own = kAsleep;
    if (!word_.compare_exchange_strong(own, kIdle)) return Watched::kWoken;
    return refused ? Watched::kRefused : Watched::kChanged;
}

void SleepWord::wake() {
    if (word_.exchange(kWoken) == kAsleep) after_locks(wake_sleeper, &word_);
}

}  // namespace halfcell::wait
