// Tests that many threads make system calls at once and each gets its own answers.

#include <vector>

#include "userland/lib/number.h"
#include "userland/rt/output.h"
#include "userland/rt/process.h"
#include "userland/rt/thread.h"

namespace halfcell::userland {
namespace {

constexpr std::size_t kDefaultThreads = 16;
constexpr int kCalls = 500;

struct Work {
    std::uint64_t fd = 0;
    std::uint64_t wrong = 0;
    std::uint64_t done = 0;
};

// Seeks a descriptor of its own: the answer tells whose call was answered.
void seek_often(void* argument) {
    auto& work = *static_cast<Work*>(argument);
    for (int i = 0; i < kCalls; ++i) {
        const std::int64_t offset = static_cast<std::int64_t>(work.fd) * 100'000 + i;
        const Result<std::uint64_t> result = sys_lseek(Fd{work.fd}, offset, abi::SeekWhence::kSet);
        if (!result || *result != static_cast<std::uint64_t>(offset)) ++work.wrong;
        ++work.done;
        sys_yield();
    }
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const std::size_t count =
        arguments.empty() ? kDefaultThreads : parse_unsigned(arguments[0]).value_or(kDefaultThreads);
    std::vector<Work> works(count);
    std::vector<Thread> threads;
    for (Work& work : works) {
        const Result<Fd> space = sys_dup(process().thread, "addrspace");
        if (!space) {
            out().write("FAIL: no descriptor to seek\n");
            return 1;
        }
        work.fd = word(*space);
    }
    for (Work& work : works) {
        Result<Thread> thread = Thread::start(&seek_often, &work);
        if (!thread) {
            out().print("FAIL: thread not started, errno ", static_cast<int>(thread.error()), '\n');
            return 1;
        }
        threads.push_back(std::move(*thread));
    }
    std::uint64_t wrong = 0;
    std::uint64_t done = 0;
    for (Thread& thread : threads)
        thread.join();
    for (const Work& work : works) {
        wrong += work.wrong;
        done += work.done;
    }
    if (wrong != 0 || done != count * kCalls) {
        out().print("FAIL: ", wrong, " wrong answers in ", done, " calls\n");
        return 1;
    }
    out().write("PASS\n");
    return 0;
}

}  // namespace halfcell::userland
