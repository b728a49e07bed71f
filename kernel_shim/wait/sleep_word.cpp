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

void SleepWord::wake() {
    if (word_.exchange(kWoken) == kAsleep) after_locks(wake_sleeper, &word_);
}

}  // namespace halfcell::wait
