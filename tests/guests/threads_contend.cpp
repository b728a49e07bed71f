// Tests mutual exclusion and wake-ups: threads add to one number under one mutex and use one heap.

#include <string>
#include <vector>

#include "userland/rt/output.h"
#include "userland/rt/process.h"
#include "userland/rt/sync.h"
#include "userland/rt/thread.h"

namespace halfcell::userland {
namespace {

constexpr std::uint64_t kThreads = 8;
constexpr std::uint64_t kRounds = 2000;

struct Shared {
    Mutex mutex;
    std::uint64_t total = 0;
    std::uint64_t bad_strings = 0;
};

void add_often(void* argument) {
    auto& shared = *static_cast<Shared*>(argument);
    for (std::uint64_t i = 0; i < kRounds; ++i) {
        std::string text = concat("number ", i, " of a thread that allocates");
        text.append(i % 64, 'x');
        const MutexGuard guard(shared.mutex);
        // Giving the processor away inside makes the others sleep on the mutex.
        const std::uint64_t before = shared.total;
        if (i % 16 == 0) sys_yield();
        shared.total = before + 1;
        if (!text.starts_with("number ")) ++shared.bad_strings;
    }
}

}  // namespace

int main_program(std::span<const std::string_view>) {
    Shared shared;
    std::vector<Thread> threads;
    for (std::uint64_t i = 0; i < kThreads; ++i) {
        Result<Thread> thread = Thread::start(&add_often, &shared);
        if (!thread) {
            out().print("FAIL: thread not started, errno ", static_cast<int>(thread.error()), '\n');
            return 1;
        }
        threads.push_back(std::move(*thread));
    }
    for (Thread& thread : threads)
        thread.join();
    if (shared.total != kThreads * kRounds || shared.bad_strings != 0) {
        out().print("FAIL: total ", shared.total, ", bad strings ", shared.bad_strings, '\n');
        return 1;
    }
    out().write("PASS\n");
    return 0;
}

}  // namespace halfcell::userland
