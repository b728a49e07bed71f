// debuggee VERB: what a debugger is tried on. Compiled with debug information, without optimization.

#include <immintrin.h>

#include <vector>

#include "userland/rt/child.h"
#include "userland/rt/exec.h"
#include "userland/rt/fork.h"
#include "userland/rt/output.h"
#include "userland/rt/process.h"
#include "userland/rt/signal.h"
#include "userland/rt/syscall.h"
#include "userland/rt/thread.h"

// What a test stops at or looks at by name.
volatile int global_counter = 0;
volatile int threads_here = 0;
volatile bool threads_may_end = false;

extern "C" {

[[gnu::noinline]] int innermost(int depth) {
    int product = depth * 6;
    global_counter = product;
    return product + 1;
}

[[gnu::noinline]] int middle(int depth) {
    int result = innermost(depth + 1);
    return result * 2;
}

[[gnu::noinline]] void all_threads_are_here() {
    threads_may_end = true;
}

[[gnu::noinline]] void vectors_are_loaded() {
    global_counter = 1;
}

[[gnu::noinline]] void signal_arrived(std::uint32_t signal) {
    global_counter = static_cast<int>(signal);
}

[[gnu::noinline]] void child_begins() {
    global_counter = 7;
}
}

namespace halfcell::userland {
namespace {

int show_values() {
    int total = middle(3) + middle(6);
    out().print("total ", total, '\n');
    return total == 50 + 86 ? 0 : 1;
}

[[gnu::noinline]] void wait_in_thread(void* argument) {
    int number = *static_cast<int*>(argument);
    threads_here = threads_here + 1;
    while (!threads_may_end)
        sys_yield();
    *static_cast<int*>(argument) = number * 10;
}

// Who lets the threads end: the program once it has told a debugger that all are there, or the debugger.
enum class Release { kProgram, kDebugger };

int run_threads(Release release) {
    constexpr int kThreads = 3;
    int numbers[kThreads] = {1, 2, 3};
    std::vector<Thread> threads;
    for (int& number : numbers) {
        auto thread = Thread::start(&wait_in_thread, &number);
        if (!thread) return 2;
        threads.push_back(std::move(*thread));
    }
    while (threads_here != kThreads)
        sys_yield();
    if (release == Release::kProgram) {
        all_threads_are_here();
    } else {
        out().write("spinning\n");
        out().flush();
    }
    int sum = 0;
    for (Thread& thread : threads)
        thread.join();
    for (const int number : numbers)
        sum += number;
    out().print("sum ", sum, '\n');
    return sum == 60 ? 0 : 1;
}

int make_child() {
    const auto child = fork_process();
    if (!child) return 2;
    if (*child == 0) {
        child_begins();
        exit_now(innermost(1));
    }
    const auto news = wait_for_child(*child, 0);
    const int status = news ? exit_status_of(news->status) : 99;
    out().print("child ", status, '\n');
    return status == 7 ? 0 : 1;
}

[[gnu::target("avx")]] int load_vectors() {
    const __m256i value = _mm256_set_epi64x(4, 3, 2, 1);
    __asm__ volatile("vmovdqa %0, %%ymm5" ::"m"(value) : "xmm5");
    vectors_are_loaded();
    __m256i after;
    __asm__ volatile("vmovdqa %%ymm5, %0" : "=m"(after));
    out().print("vector ", static_cast<std::int64_t>(_mm256_extract_epi64(after, 3)), '\n');
    return 0;
}

int take_signal() {
    handle_signal(Signal::kUsr1, &signal_arrived);
    const auto self = process_identity();
    if (!self) return 2;
    // A child sends it: who signals itself takes the signal without the kernel, and so without its debugger.
    // It waits for us to be back from fork, which takes signals itself too.
    const auto back = make_pipe();
    const auto child = back ? fork_process() : Result<std::uint32_t>(back.error());
    if (!child) return 2;
    std::byte byte{};
    if (*child == 0) {
        (void)sys_read(back->reader.fd(), {&byte, 1});
        exit_now(send_signal(self->pid, Signal::kUsr1) ? 0 : 1);
    }
    (void)sys_write(back->writer.fd(), {&byte, 1});
    for (auto news = wait_for_child(*child, 0); !news; news = wait_for_child(*child, 0))
        if (news.error() != abi::Errno::kEINTR) return 2;
    out().print("signal ", static_cast<int>(global_counter), '\n');
    return 0;
}

int spin() {
    out().write("spinning\n");
    out().flush();
    while (global_counter == 0)
        sys_yield();
    out().write("released\n");
    return 0;
}

int sleep_long() {
    out().write("sleeping\n");
    out().flush();
    constexpr std::int64_t kSeconds = 600;
    return sys_nanosleep({.tv_sec = kSeconds, .tv_nsec = 0}) ? 0 : 1;
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const std::string_view verb = arguments.empty() ? "" : arguments[0];
    if (verb == "values") return show_values();
    if (verb == "threads") return run_threads(Release::kProgram);
    if (verb == "spin-threads") return run_threads(Release::kDebugger);
    if (verb == "fork") return make_child();
    if (verb == "vectors") return load_vectors();
    if (verb == "signal") return take_signal();
    if (verb == "spin") return spin();
    if (verb == "sleep") return sleep_long();
    if (verb == "crash") return *reinterpret_cast<volatile int*>(8);
    if (verb == "exec" && arguments.size() == 3)
        return exec_or_explain(std::vector<std::string>{std::string(arguments[1]), std::string(arguments[2])},
                               {});
    return 64;
}

}  // namespace halfcell::userland
