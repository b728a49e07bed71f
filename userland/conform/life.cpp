// The life of contexts: start, status, verbs, exceptions, changing over to another space.

#include <atomic>

#include "userland/conform/areas.h"
#include "userland/conform/context.h"
#include "userland/conform/objects.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;

std::atomic<uint64_t> answer{kAll};
std::atomic<uint32_t> word{0};
std::atomic<bool> enough{false};

void remember(uint64_t argument) {
    answer = argument;
}
void spin(uint64_t) {
    while (!enough.load())
        answer.fetch_add(1);
}
void wait_on_word(uint64_t) {
    answer = futex(&word, Futex::kWait, 0);
}
void read_one(uint64_t fd) {
    char byte;
    answer = read(fd, &byte, 1);
}
abi::TimeSpec left;
void sleep_long(uint64_t) {
    const abi::TimeSpec time{100, 0};
    answer = sc(abi::SYS_NANOSLEEP, &time, &left);
}

uint64_t status_word(Status status) {
    return static_cast<uint64_t>(status);
}

constexpr Probe kLifeProbes[] = {
    {"new", "kernel:src/context/context.rs Context::new",
     [] {
         uint64_t status = kAll;
         EXPECT(read(OK(dup(OK(new_context()), "status")), &status, 8), 8);
         EXPECT(status, status_word(Status::kNotYetStarted));
     }},
    {"start-once", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] {
         const Context context(remember, 42);
         const uint64_t handle = OK(dup(context.fd(), "start"));
         EXPECT(read(handle, &word, 1), kEBADF);
         EXPECT(write(handle, "abc", 3), 3);
         EXPECT(write(handle, "", 0), kEINVAL);
         EXPECT(status_word(context.wait_for_end()), status_word(Status::kDead));
         EXPECT(answer.load(), 42);
         EXPECT(write(handle, "", 0), kEINVAL);
     }},
    {"start-by-an-empty-write", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] {
         const Context context(remember, 43);
         EXPECT(context.start(), 0);
         context.wait_for_end();
         EXPECT(answer.load(), 43);
     }},
    {"status-reads", "kernel:src/scheme/proc.rs ContextHandle::kreadoff",
     [] {
         const uint64_t handle = OK(dup(OK(new_context()), "status"));
         uint64_t status = kAll;
         EXPECT(read(handle, &status, 0), 0);
         EXPECT(read(handle, &status, 4), 4);
         EXPECT(status, 0xffff'ffff'0000'0002);
         EXPECT(read(handle, &status, 8), 8);
         abi::CtxtStsBuf whole{};
         EXPECT(read(handle, &whole, sizeof whole), 8);
     }},
    {"unprivileged-verbs", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] {
         const Context context = Context::started(wait_on_word);
         context.wait_for(Status::kBlocked);
         EXPECT(context.verb(Verb::kStop), kEPERM);
         EXPECT(context.verb(Verb::kUnstop), kEPERM);
         EXPECT(write_word(context.fd(), "status", 9), kEINVAL);
         EXPECT(write_word(context.fd(), "status", 0), kEINVAL);
         const uint64_t handle = OK(dup(context.fd(), "status"));
         EXPECT(write(handle, "", 0), kEINVAL);
         EXPECT(write(handle, "1234567", 7), kEINVAL);
     }},
    {"interrupt-of-one-that-runs", "kernel:src/context/context.rs Context::unblock",
     [] {
         const Context context = Context::started(spin);
         EXPECT(context.verb(Verb::kInterrupt), 8);
         EXPECT(status_word(context.status()), status_word(Status::kRunnable));
         enough = true;
         EXPECT(status_word(context.wait_for_end()), status_word(Status::kDead));
     }},
    {"interrupted-futex-wait-is-0", "kernel:src/syscall/futex.rs futex",
     [] {
         const Context context = Context::started(wait_on_word);
         context.wait_for(Status::kBlocked);
         EXPECT(context.verb(Verb::kInterrupt), 8);
         context.wait_for_end();
         EXPECT(answer.load(), 0);
     }},
    {"interrupted-sleep", "kernel:src/syscall/time.rs nanosleep",
     [] {
         const Context context = Context::started(sleep_long);
         context.wait_for(Status::kBlocked);
         EXPECT(context.verb(Verb::kInterrupt), 8);
         context.wait_for_end();
         EXPECT(answer.load(), kEINTR);
         EXPECT_TRUE(left.tv_sec >= 89 && left.tv_sec <= 99);
     }},
    {"interrupted-pipe-read", "kernel:src/sync/wait_condition.rs wait_inner",
     [] {
         const Context context = Context::started(read_one, open_pipe().reader);
         context.wait_for(Status::kBlocked);
         EXPECT(context.verb(Verb::kInterrupt), 8);
         context.wait_for_end();
         EXPECT(answer.load(), kEINTR);
     }},
    {"kill", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] {
         const Context context = Context::started(read_one, open_pipe().reader);
         context.wait_for(Status::kBlocked);
         EXPECT(context.verb(Verb::kForceKill), 8);
         EXPECT(status_word(context.status()), status_word(Status::kForceKilled));
         EXPECT(status_word(context.wait_for_end()), status_word(Status::kForceKilled));
         EXPECT(context.verb(Verb::kForceKill), 8);
         EXPECT(context.verb(Verb::kInterrupt), 8);
         EXPECT(answer.load(), kAll);
     }},
    {"kill-of-one-that-runs", "kernel:src/context/signal.rs signal_handler",
     [] {
         const Context context = Context::started(spin);
         EXPECT(context.verb(Verb::kForceKill), 8);
         EXPECT(status_word(context.wait_for_end()), status_word(Status::kForceKilled));
     }},
    {"self-kill-unmaps", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] {
         // The context kills itself with a range that goes with it.
         static uint64_t pages;
         static uint64_t thread;
         pages = OK(anon(2 * kPage, kRw | kFixed, kNowhere));
         const Context context([](uint64_t) {
             const std::array<uint64_t, 3> verb{kAll, pages, 2 * kPage};
             (void)write(dup(thread, "status"), verb.data(), sizeof verb);
         });
         thread = context.fd();
         EXPECT(context.start(), 0);
         EXPECT(status_word(context.wait_for_end()), status_word(Status::kDead));
         EXPECT(anon(2 * kPage, kR | kFixedNoreplace, pages), pages);
     }},
    {"self-kill-with-a-wrong-range", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] {
         static uint64_t thread;
         static std::array<uint64_t, 2> answers;
         const Context context([](uint64_t) {
             const uint64_t status = dup(thread, "status");
             const std::array<uint64_t, 3> verb{kAll, 0x1001, kPage};
             answers[0] = write(status, verb.data(), 16);
             answers[1] = write(status, verb.data(), 24);
         });
         thread = context.fd();
         EXPECT(context.start(), 0);
         context.wait_for_end();
         EXPECT(answers[0], kEINVAL);
         EXPECT(answers[1], kEINVAL);
     }},
    {"status-after-death", "kernel:src/scheme/proc.rs ContextHandle::kreadoff",
     [] {
         const Context context = Context::started(remember, 1);
         const uint64_t registers = OK(dup(context.fd(), "regs/int"));
         const uint64_t start = OK(dup(context.fd(), "start"));
         EXPECT(status_word(context.wait_for_end()), status_word(Status::kDead));
         EXPECT(dup(context.fd(), "addrspace"), kENOENT);
         EXPECT(dup(context.fd(), "mmap-min-addr"), kENOENT);
         std::array<uint64_t, 20> words;
         EXPECT(read(registers, words.data(), sizeof words), kENOTRECOVERABLE);
         EXPECT(write(start, "", 0), kEINVAL);
         EXPECT(context.verb(Verb::kInterrupt), 8);
         EXPECT(read(OK(dup(context.fd(), "filetable")), words.data(), 100), 0);
     }},
    {"siblings-live-on", "kernel:src/context/signal.rs excp_handler",
     [] {
         const Context sibling = Context::started(wait_on_word);
         sibling.wait_for(Status::kBlocked);
         expect_fault("a wild store", [](uint64_t address) { store(address, 1); }, kNowhere,
                      {14, 6, kNowhere});
         EXPECT(status_word(sibling.status()), status_word(Status::kBlocked));
         EXPECT(futex(&word, Futex::kWake, 1), 1);
         sibling.wait_for_end();
     }},
    {"exception-in-parts", "kernel:src/scheme/proc.rs ContextHandle::kreadoff",
     [] {
         const Context context = Context::started([](uint64_t) { __asm__ volatile("ud2"); });
         EXPECT(status_word(context.wait_for_end()), status_word(Status::kUnhandledExcp));
         const uint64_t handle = OK(dup(context.fd(), "status"));
         std::array<uint64_t, 4> words{};
         EXPECT(read(handle, words.data(), 7), kEINVAL);
         EXPECT(read(handle, words.data(), 8), 8);
         EXPECT(read(handle, words.data(), 16), 16);
         EXPECT(read(handle, words.data(), 100), 32);
         EXPECT(words[1], 6);
     }},
    {"registers-of-one-that-runs", "kernel:src/scheme/proc.rs try_stop_context",
     [] {
         const Context context = Context::started(spin);
         std::array<uint64_t, 20> words{};
         EXPECT(read(OK(dup(context.fd(), "regs/int")), words.data(), sizeof words), 160);
         EXPECT(words[16], 0x2b);
         EXPECT(words[19], 0x23);
         EXPECT_TRUE(words[15] >= 0x40'0000 && words[15] < 0x80'0000);
         EXPECT_TRUE((words[17] & 0x200) != 0);
         enough = true;
         context.wait_for_end();
     }},
    {"change-over-waits-for-the-last-close", "kernel:src/scheme/proc.rs close",
     [] {
         // The context changes over to where it already is, but to another function.
         static uint64_t thread;
         static uint64_t space;
         static uint64_t stack;
         space = OK(dup(own_thread(), "addrspace"));
         stack = OK(anon(16 * kPage, kRw)) + 16 * kPage - 16;
         const Context context([](uint64_t) {
             const uint64_t selector = dup(thread, "current-addrspace");
             const auto entry = reinterpret_cast<uint64_t>(+[] {
                 answer = 7;
                 for (;;)
                     (void)write_word(thread, "status", kAll);
             });
             const std::array<uint64_t, 3> words{space, stack - 8, entry};
             answer = write(selector, words.data(), sizeof words);
             const uint64_t copy = dup(selector);
             answer = answer == 24 && close(selector) == 0 ? 5 : 6;
             if (answer == 5) (void)close(copy);
             answer = 6;
         });
         thread = context.fd();
         EXPECT(context.start(), 0);
         EXPECT(status_word(context.wait_for_end()), status_word(Status::kDead));
         EXPECT(answer.load(), 7);
     }},
};

template <typename Body>
void faults(std::string_view what, Body body, Fault fault) {
    expect_fault(what, body, 0, fault);
}

constexpr Probe kExceptionProbes[] = {
    {"divide", "kernel:src/arch/x86_shared/interrupt/exception.rs divide_by_zero",
     [] {
         faults("div",
                [](uint64_t) {
                    __asm__ volatile("xorl %%edx, %%edx\n movl $1, %%eax\n xorl %%ecx, %%ecx\n divl %%ecx" ::
                                         : "rax", "rcx", "rdx");
                },
                {0});
     }},
    {"breakpoint", "kernel:src/arch/x86_shared/interrupt/exception.rs breakpoint",
     [] { faults("int3", [](uint64_t) { __asm__ volatile("int3"); }, {3}); }},
    {"single-step", "kernel:src/arch/x86_shared/interrupt/exception.rs debug",
     [] {
         faults("TF",
                [](uint64_t) {
                    __asm__ volatile("pushfq\n orq $0x100, (%%rsp)\n popfq\n nop\n nop" ::: "memory", "cc");
                },
                {1});
     }},
    {"invalid-opcode", "kernel:src/arch/x86_shared/interrupt/exception.rs invalid_opcode",
     [] { faults("ud2", [](uint64_t) { __asm__ volatile("ud2"); }, {6}); }},
    {"halt", "kernel:src/arch/x86_shared/interrupt/exception.rs protection",
     [] { faults("hlt", [](uint64_t) { __asm__ volatile("hlt"); }, {13}); }},
    {"interrupt-flag", "kernel:src/arch/x86_shared/interrupt/exception.rs protection",
     [] { faults("cli", [](uint64_t) { __asm__ volatile("cli"); }, {13}); }},
    {"port", "kernel:src/arch/x86_shared/interrupt/exception.rs protection",
     [] { faults("outb", [](uint64_t) { __asm__ volatile("outb %%al, %%dx" ::"a"(0), "d"(0x80)); }, {13}); }},
    {"kernel-segment", "kernel:src/arch/x86_shared/interrupt/exception.rs protection",
     [] {
         faults("mov ds",
                [](uint64_t) {
                    __asm__ volatile("movl $0x10, %%eax\n movl %%eax, %%ds" ::: "rax");
                },
                {13, 16});
     }},
    {"base-by-instruction", "kernel:src/arch/x86_64/mod.rs",
     [] {
         expect_no_fault(
             "wrfsbase",
             [](uint64_t) {
                 __asm__ volatile("movl $0x1234, %%eax\n wrfsbase %%rax" ::: "rax");
             },
             0);
     }},
    {"time-stamp", "kernel:src/arch/x86_64/mod.rs",
     [] {
         expect_no_fault(
             "rdtsc",
             [](uint64_t) {
                 __asm__ volatile("rdtsc" ::: "rax", "rdx");
             },
             0);
     }},
};

}  // namespace

Area life_area() {
    return {"contexts", "starting, watching and ending contexts", kLifeProbes};
}

Area exception_area() {
    return {"exceptions", "what ends a context that did something wrong", kExceptionProbes};
}

}  // namespace halfcell::userland::conform
