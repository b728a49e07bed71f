// Waiting on a word of memory.

#include <atomic>

#include "userland/conform/areas.h"
#include "userland/conform/context.h"
#include "userland/conform/objects.h"
#include "userland/rt/child.h"
#include "userland/rt/fork.h"
#include "userland/rt/process.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;

alignas(64) uint32_t words[16];
alignas(64) uint64_t wide = 0;
std::atomic<uint64_t> answer{kAll};
std::atomic<uint32_t> returned{0};

void wait_for_wake(uint64_t) {
    answer = futex(words, Futex::kWait, 0);
    returned.fetch_add(1);
}
abi::TimeSpec after(std::int64_t nanoseconds) {
    abi::TimeSpec time = *sys_clock_gettime(abi::Clock::kMonotonic);
    const std::int64_t sum = time.tv_nsec + nanoseconds;
    time.tv_sec += sum / 1'000'000'000;
    time.tv_nsec = static_cast<std::int32_t>(sum % 1'000'000'000);
    return time;
}

constexpr Probe kProbes[] = {
    {"other-value", "kernel:src/syscall/futex.rs futex",
     [] {
         EXPECT(futex(words, Futex::kWait, 1), kEAGAIN);
         words[2] = 5;
         EXPECT(futex(&words[2], Futex::kWait, 6), kEAGAIN);
     }},
    {"low-half-of-the-value", "kernel:src/syscall/futex.rs futex",
     [] {
         words[2] = 5;
         EXPECT(futex(&words[2], Futex::kWait, 0x9'0000'0006), kEAGAIN);
         const abi::TimeSpec past{0, 0};
         EXPECT(futex(&words[2], Futex::kWait, 0x9'0000'0005, &past), kETIMEDOUT);
     }},
    {"alignment", "kernel:src/syscall/futex.rs futex",
     [] {
         EXPECT(futex(as_word(words) + 1, Futex::kWait, 0), kEINVAL);
         EXPECT(futex(as_word(words) + 2, Futex::kWait, 1), kEINVAL);
         EXPECT(futex(as_word(words) + 1, Futex::kWake, 1), 0);
     }},
    {"operations", "kernel:src/syscall/futex.rs futex",
     [] {
         EXPECT(futex(words, Futex::kRequeue, 0), kEINVAL);
         for (const uint64_t operation : {4, 7, 128})
             EXPECT(futex(words, operation, 0), kEINVAL);
     }},
    {"addresses", "kernel:src/syscall/futex.rs validate_and_translate_virt",
     [] {
         EXPECT(futex(kUserEnd - 8, Futex::kWait, 0), kEFAULT);
         EXPECT(futex(kUserEnd - 8, Futex::kWake, 1), kEFAULT);
         EXPECT(futex(kNowhere, Futex::kWake, 1), kEFAULT);
         EXPECT(futex(kNowhere, 7, 0), kEFAULT);
         EXPECT(futex(kAll, Futex::kWake, 1), kEFAULT);
     }},
    {"deadline-range", "kernel:src/syscall/futex.rs futex",
     [] {
         EXPECT(futex(words, Futex::kWait, 1, kUserEnd), kEFAULT);
         EXPECT(futex(as_word(words) + 1, Futex::kWait, 1, kUserEnd), kEFAULT);
     }},
    {"absent-deadline", "kernel:src/syscall/futex.rs futex",
     [] {
         beware("hangs");
         EXPECT(futex(words, Futex::kWait, 1, kNowhere), kEFAULT);
     }},
    {"untouched-page", "kernel:src/syscall/futex.rs validate_and_translate_virt",
     [] {
         const uint64_t pages = OK(anon(0x20000, kRw));
         EXPECT(futex(pages + 0xf000, Futex::kWake, 1), 0);
         EXPECT_DEVIATION(futex(pages + 0x10000, Futex::kWake, 1), kEFAULT, 0);
         store(pages + 0x10000, 1);
         EXPECT(futex(pages + 0x10000, Futex::kWake, 1), 0);
     },
     Deviation::kSafer},
    {"past-deadline", "kernel:src/syscall/futex.rs futex",
     [] {
         const abi::TimeSpec past{0, 0};
         EXPECT(futex(words, Futex::kWait, 0, &past), kETIMEDOUT);
     }},
    {"deadline-is-absolute", "kernel:src/syscall/futex.rs futex",
     [] {
         const abi::TimeSpec deadline = after(30'000'000);
         EXPECT(futex(words, Futex::kWait, 0, &deadline), kETIMEDOUT);
         const abi::TimeSpec now = *sys_clock_gettime(abi::Clock::kMonotonic);
         EXPECT_TRUE(now.tv_sec > deadline.tv_sec ||
                     (now.tv_sec == deadline.tv_sec && now.tv_nsec >= deadline.tv_nsec));
     }},
    {"value-before-deadline", "kernel:src/syscall/futex.rs futex",
     [] {
         const abi::TimeSpec past{0, 0};
         EXPECT(futex(words, Futex::kWait, 1, &past), kEAGAIN);
     }},
    {"wake", "kernel:src/syscall/futex.rs futex",
     [] {
         const Context context = Context::started(wait_for_wake);
         context.wait_for(Status::kBlocked);
         EXPECT(futex(words, Futex::kWake, 0), 0);
         EXPECT(futex(words, Futex::kWake, 5), 1);
         context.wait_for_end();
         EXPECT(answer.load(), 0);
         EXPECT(futex(words, Futex::kWake, 5), 0);
     }},
    {"wake-some", "kernel:src/syscall/futex.rs futex",
     [] {
         static std::array<uint64_t, 5> threads;
         for (uint64_t& thread : threads) {
             const Context context = Context::started(wait_for_wake);
             context.wait_for(Status::kBlocked);
             thread = context.fd();
         }
         EXPECT(futex(words, Futex::kWake, 2), 2);
         while (returned.load() < 2)
             pause();
         EXPECT(returned.load(), 2);
         EXPECT(futex(words, Futex::kWake, kAll), 3);
         while (returned.load() < 5)
             pause();
     }},
    {"other-words-do-not-wake", "kernel:src/syscall/futex.rs futex",
     [] {
         const Context context = Context::started(wait_for_wake);
         context.wait_for(Status::kBlocked);
         EXPECT(futex(&words[1], Futex::kWake, 5), 0);
         EXPECT(futex(words, Futex::kWake, 1), 1);
     }},
    {"other-addresses-do-not-wake", "kernel:src/syscall/futex.rs futex",
     [] {
         // The same page at another address.
         static uint64_t page;
         page = OK(anon(kPage, kRw));
         const uint64_t alias = OK(mremap(page, kPage, 0, kPage, kRw | abi::MremapFlags::kKeepOld));
         const Context context = Context::started([](uint64_t) { answer = futex(page, Futex::kWait, 0); });
         context.wait_for(Status::kBlocked);
         EXPECT(futex(alias, Futex::kWake, 5), 0);
         EXPECT(futex(page, Futex::kWake, 5), 1);
     }},
    {"other-spaces-do-not-wake", "kernel:src/syscall/futex.rs futex",
     [] {
         const uint64_t page = OK(anon(kPage, kRw | kShared));
         store(page, 0);
         const auto child = fork_process();
         EXPECT_TRUE(static_cast<bool>(child));
         if (*child == 0) {
             const abi::TimeSpec deadline = after(200'000'000);
             store(page + 8, 1);
             exit_now(futex(page, Futex::kWait, 0, &deadline) == abi::mux_error(kETIMEDOUT) ? 0 : 1);
         }
         while (load(page + 8) == 0)
             pause();
         for (int i = 0; i < 20; ++i) {
             EXPECT(futex(page, Futex::kWake, 5), 0);
             pause();
         }
         const auto news = wait_for_child(*child, 0);
         EXPECT_TRUE(news && news->status == 0);
     }},
    {"timed-out-waiters-are-counted", "kernel:src/syscall/futex.rs futex",
     [] {
         const Context context = Context::started([](uint64_t) {
             const abi::TimeSpec deadline = after(1'000'000);
             answer = futex(words, Futex::kWait, 0, &deadline);
         });
         context.wait_for_end();
         EXPECT(answer.load(), kETIMEDOUT);
         EXPECT(futex(words, Futex::kWake, 10), 1);
         EXPECT(futex(words, Futex::kWake, 10), 0);
     }},
    {"deadline-ends-with-its-wait", "kernel:src/context/context.rs Context::wake",
     [] {
         // Woken in time; the pipe read that follows must not end at the futex's deadline.
         static uint64_t reader;
         const PipeEnds pipe = open_pipe();
         reader = pipe.reader;
         const Context context = Context::started([](uint64_t) {
             const abi::TimeSpec deadline = after(150'000'000);
             (void)futex(words, Futex::kWait, 0, &deadline);
             returned = 1;
             char byte;
             answer = read(reader, &byte, 1);
         });
         context.wait_for(Status::kBlocked);
         EXPECT(futex(words, Futex::kWake, 1), 1);
         while (returned.load() == 0)
             pause();
         const abi::TimeSpec past_it = after(300'000'000);
         EXPECT(futex(&words[4], Futex::kWait, 0, &past_it), kETIMEDOUT);
         if (answer.load() == kAll) EXPECT(write(pipe.writer, "x", 1), 1);
         context.wait_for_end();
         EXPECT_DEVIATION(answer.load(), kEINTR, 1);
     },
     Deviation::kSafer},
    {"wide-wait", "kernel:src/syscall/futex.rs futex",
     [] {
         beware("kills the caller and hangs every later futex call");
         EXPECT(futex(&wide, Futex::kWait64, 1), kEAGAIN);
         EXPECT(futex(as_word(&wide) + 4, Futex::kWait64, 0), kEINVAL);
         EXPECT(futex(&wide, Futex::kWait64, uint64_t{1} << 32), kEAGAIN);
     }},
};

}  // namespace

Area futex_area() {
    return {"futex", "waiting on a word of memory", kProbes};
}

}  // namespace halfcell::userland::conform
