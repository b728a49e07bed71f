// The kernel's part of signals: control pages, and the jump to a handler.

#include <atomic>

#include "abi/sigabi.h"
#include "userland/conform/areas.h"
#include "userland/conform/context.h"
#include "userland/conform/objects.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;

// Not zero, below the end, and never jumped to.
constexpr uint64_t kSomeHandler = 0x2000;
constexpr uint64_t kSignal = 10;
constexpr uint64_t kSignalBit = uint64_t{1} << (kSignal - 1);
constexpr uint64_t kAllowed = kSignalBit << 32;

std::atomic<uint64_t> answer{kAll};
std::atomic<uint64_t> turns{0};

// Two control pages, and a handle on a context's registration.
struct Pages {
    uint64_t thread_page = OK(anon(3 * kPage, kRw));
    uint64_t process_page = thread_page + kPage;

    [[nodiscard]] abi::Sigcontrol& control() const {
        return *reinterpret_cast<abi::Sigcontrol*>(thread_page);
    }
    [[nodiscard]] abi::SetSighandlerData data(uint64_t handler = kSomeHandler) const {
        return {handler, 0, thread_page, process_page};
    }
};

uint64_t put(uint64_t handle, const abi::SetSighandlerData& data) {
    return write(handle, &data, sizeof data);
}
uint64_t handle_of_new_context() {
    const uint64_t thread = OK(new_context());
    uint64_t space = OK(dup(own_thread(), "addrspace"));
    // It needs an address space in which the pages are.
    const std::array<uint64_t, 3> words{space, kPage, kPage};
    const uint64_t selector = OK(dup(thread, "current-addrspace"));
    EXPECT(write(selector, words.data(), sizeof words), 24);
    EXPECT(close(selector), 0);
    return OK(dup(thread, "sighandler"));
}

// What the handler finds; it ends its context.
struct Entry {
    uint64_t rsp, rax, rbx;
};
Entry entry;
uint64_t looper;  // the descriptor of the context in question

extern "C" {
void halfcell_conform_handler();
void halfcell_conform_spin(std::atomic<uint64_t>* turns, uint64_t* rsp);
__attribute__((used)) void halfcell_conform_handled(const uint64_t* saved) {
    entry = {saved[0], saved[1], saved[2]};
    answer = 1;
    for (;;)
        (void)write_word(looper, "status", kAll);
}
}
// Only rip is the kernel's: everything else is the interrupted code's, below rsp too.
__asm__(
    "    .globl halfcell_conform_handler\n"
    "halfcell_conform_handler:\n"
    "    leaq -512(%rsp), %rsp\n"
    "    pushq %rbx\n    pushq %rax\n"
    "    leaq 528(%rsp), %rax\n    pushq %rax\n"
    "    movq %rsp, %rdi\n"
    "    andq $-16, %rsp\n"
    "    cld\n"
    "    call halfcell_conform_handled\n"
    "    ud2\n"
    "    .globl halfcell_conform_spin\n"
    "halfcell_conform_spin:\n"
    "    movq %rsp, (%rsi)\n"
    "    movq $0x5a5a5a, -64(%rsp)\n"
    "    movq $0x77777, %rbx\n"
    "1:  lock incq (%rdi)\n"
    "    jmp 1b\n");

uint64_t spin_rsp;

void spin(uint64_t) {
    halfcell_conform_spin(&turns, &spin_rsp);
}

// A context that spins, with a handler.
Context start_spinning(const Pages& pages) {
    Context context(spin);
    looper = context.fd();
    EXPECT(put(OK(dup(context.fd(), "sighandler")),
               pages.data(reinterpret_cast<uint64_t>(&halfcell_conform_handler))),
           32);
    EXPECT(context.start(), 0);
    while (turns.load() == 0)
        pause();
    return context;
}
void let_it_turn() {
    const uint64_t before = turns.load();
    for (int i = 0; i < 20; ++i)
        pause();
    while (turns.load() < before + 1000)
        pause();
}

constexpr Probe kProbes[] = {
    {"unset", "kernel:src/scheme/proc.rs ContextHandle::kreadoff",
     [] {
         abi::SetSighandlerData data{1, 1, 1, 1};
         const uint64_t handle = handle_of_new_context();
         EXPECT(read(handle, &data, sizeof data), 32);
         EXPECT(data.user_handler | data.excp_handler | data.thread_control_addr | data.proc_control_addr, 0);
         EXPECT(fmap(handle, 0, kPage, kR), kEBADF);
     }},
    {"short-write", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] {
         const Pages pages;
         const auto data = pages.data();
         EXPECT(write(handle_of_new_context(), &data, 31), kEINVAL);
     }},
    {"handler-addresses", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] {
         const uint64_t handle = handle_of_new_context();
         const Pages pages;
         EXPECT(put(handle, pages.data(kUserEnd)), kEPERM);
         EXPECT(put(handle, pages.data(0)), kEINVAL);
         auto data = pages.data();
         data.excp_handler = kUserEnd;
         EXPECT(put(handle, data), kEPERM);
     }},
    {"control-addresses", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] {
         const uint64_t handle = handle_of_new_context();
         const Pages pages;
         auto data = pages.data();
         data.thread_control_addr = kUserEnd;
         EXPECT(put(handle, data), kEFAULT);
         data = pages.data();
         data.proc_control_addr = kUserEnd;
         EXPECT(put(handle, data), kEFAULT);
         data = pages.data();
         data.thread_control_addr = kNowhere;
         EXPECT(put(handle, data), kEINVAL);
     }},
    {"control-memory", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] {
         const uint64_t handle = handle_of_new_context();
         const Pages pages;
         auto data = pages.data();
         data.thread_control_addr = OK(anon(kPage, kRw | kShared));
         EXPECT(put(handle, data), kEPERM);
         data.thread_control_addr = OK(anon(kPage, kR));
         EXPECT(put(handle, data), kENOMEM);
     }},
    {"control-offsets", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] {
         const uint64_t handle = handle_of_new_context();
         const Pages pages;
         auto data = pages.data();
         data.thread_control_addr = pages.thread_page + 4;
         EXPECT(put(handle, data), kEINVAL);
         data.thread_control_addr = pages.thread_page + 3808;
         EXPECT(put(handle, data), kEINVAL);
         data.thread_control_addr = pages.thread_page + 3792;
         data.proc_control_addr = pages.process_page + 8;
         EXPECT(put(handle, data), kEINVAL);
         data.proc_control_addr = pages.process_page;
         EXPECT(put(handle, data), 32);
     }},
    {"control-at-the-end-of-its-page", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] {
         beware("panics at the first use");
         const Pages pages;
         auto data = pages.data();
         data.thread_control_addr = pages.thread_page + 3800;
         EXPECT_DEVIATION(put(handle_of_new_context(), data), 32, kEINVAL);
     },
     Deviation::kSafer},
    {"read-back", "kernel:src/scheme/proc.rs ContextHandle::kreadoff",
     [] {
         const uint64_t handle = handle_of_new_context();
         const Pages pages;
         auto data = pages.data();
         data.thread_control_addr = pages.thread_page + 3792;
         EXPECT(put(handle, data), 32);
         EXPECT(read(handle, &data, sizeof data), 32);
         EXPECT(data.user_handler, kSomeHandler);
         EXPECT(data.excp_handler, 0);
         EXPECT(data.thread_control_addr, 3792);
         EXPECT(data.proc_control_addr, 0);
     }},
    {"clearing", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] {
         const uint64_t handle = handle_of_new_context();
         const Pages pages;
         EXPECT(put(handle, pages.data()), 32);
         auto data = pages.data();
         data.thread_control_addr = 0;
         EXPECT(put(handle, data), 32);
         EXPECT(read(handle, &data, sizeof data), 32);
         EXPECT(data.user_handler, 0);
         EXPECT(fmap(handle, 0, kPage, kR), kEBADF);
     }},
    {"control-pages-can-be-mapped", "kernel:src/scheme/proc.rs KernelScheme::kfmap",
     [] {
         const uint64_t handle = handle_of_new_context();
         const Pages pages;
         EXPECT(put(handle, pages.data()), 32);
         const uint64_t thread = OK(fmap(handle, 0, kPage, kR));
         const uint64_t process = OK(fmap(handle, kPage, kPage, kR, 0x9'0000'0000));
         EXPECT_TRUE(process != 0x9'0000'0000);
         store(thread + 8, 0x77);
         EXPECT(load(pages.thread_page + 8), 0x77);
         store(pages.process_page, 0x78);
         EXPECT(load(process), 0x78);
         EXPECT(fmap(handle, 2 * kPage, kPage, kR), kEINVAL);
     }},
    {"mapping-them-ignores-everything", "kernel:src/scheme/proc.rs KernelScheme::kfmap",
     [] {
         const uint64_t handle = handle_of_new_context();
         const Pages pages;
         EXPECT(put(handle, pages.data()), 32);
         const uint64_t mapped = OK(fmap(handle, 0, 1, kFixedNoreplace, pages.thread_page));
         EXPECT_TRUE(mapped != pages.thread_page);
         store(mapped, 1);
     }},
    {"control-pages-stay-with-the-parent", "kernel:src/context/memory.rs AddrSpace::try_clone",
     [] {
         const uint64_t handle = handle_of_new_context();
         const Pages pages;
         EXPECT(put(handle, pages.data()), 32);
         store(pages.thread_page, 1);
         const uint64_t copy = OK(dup(OK(dup(own_thread(), "addrspace")), "exclusive"));
         const uint64_t shown = OK(fmap(handle, 0, kPage, kR));
         store(pages.thread_page, 2);
         EXPECT(load(shown), 2);
         EXPECT(load(OK(fmap(copy, pages.thread_page, kPage, kR))), 1);
     }},
    {"pending-ends-sleeps", "kernel:src/syscall/time.rs nanosleep",
     [] {
         const Pages pages;
         pages.control().word[0] = kSignalBit | kAllowed;
         pages.control().control_flags.value = abi::SigcontrolFlags::kInhibitDelivery;
         const Context context([](uint64_t) {
             const abi::TimeSpec time{100, 0};
             abi::TimeSpec rest{7, 7};
             answer = sc(abi::SYS_NANOSLEEP, &time, &rest);
             if (rest.tv_sec != 7) answer = kAll;
         });
         EXPECT(put(OK(dup(context.fd(), "sighandler")), pages.data()), 32);
         EXPECT(context.start(), 0);
         context.wait_for_end();
         EXPECT(answer.load(), kEINTR);
     }},
    {"pending-ends-waits", "kernel:src/sync/wait_condition.rs wait_inner",
     [] {
         const Pages pages;
         pages.control().word[0] = kSignalBit | kAllowed;
         pages.control().control_flags.value = abi::SigcontrolFlags::kInhibitDelivery;
         const Context context(
             [](uint64_t pipe) {
                 static uint32_t word = 0;
                 char byte;
                 answer = read(pipe, &byte, 1);
                 if (answer == abi::mux_error(kEINTR)) answer = futex(&word, Futex::kWait, 0);
             },
             open_pipe().reader);
         EXPECT(put(OK(dup(context.fd(), "sighandler")), pages.data()), 32);
         EXPECT(context.start(), 0);
         context.wait_for_end();
         EXPECT(answer.load(), kEINTR);
     }},
    {"blocked-does-not-end-sleeps", "syscall:src/sigabi.rs Sigcontrol::currently_pending_unblocked",
     [] {
         const Pages pages;
         pages.control().word[0] = kSignalBit;
         pages.control().word[1] = kSignalBit << 32;
         const Context context([](uint64_t) {
             const abi::TimeSpec time{0, 1'000'000};
             answer = sc(abi::SYS_NANOSLEEP, &time, 0);
         });
         EXPECT(put(OK(dup(context.fd(), "sighandler")), pages.data()), 32);
         EXPECT(context.start(), 0);
         context.wait_for_end();
         EXPECT(answer.load(), 0);
     }},
    {"process-wide-pending-ends-sleeps", "syscall:src/sigabi.rs Sigcontrol::currently_pending_unblocked",
     [] {
         const Pages pages;
         pages.control().word[1] = kSignalBit << 32;
         pages.control().control_flags.value = abi::SigcontrolFlags::kInhibitDelivery;
         store(pages.process_page, kSignalBit << 32);
         const Context context([](uint64_t) {
             const abi::TimeSpec time{100, 0};
             answer = sc(abi::SYS_NANOSLEEP, &time, 0);
         });
         EXPECT(put(OK(dup(context.fd(), "sighandler")), pages.data()), 32);
         EXPECT(context.start(), 0);
         context.wait_for_end();
         EXPECT(answer.load(), kEINTR);
     }},
    {"delivery", "kernel:src/context/signal.rs signal_handler",
     [] {
         const Pages pages;
         const Context context = start_spinning(pages);
         abi::Sigcontrol& control = pages.control();
         __atomic_store_n(&control.word[0], kSignalBit | kAllowed, __ATOMIC_SEQ_CST);
         (void)context.verb(Verb::kInterrupt);
         EXPECT(static_cast<uint64_t>(context.wait_for_end()), static_cast<uint64_t>(Status::kDead));
         EXPECT(answer.load(), 1);
         EXPECT(entry.rsp, spin_rsp);
         EXPECT(entry.rbx, 0x77777);
         EXPECT(load(spin_rsp - 64), 0x5a5a5a);
         EXPECT(control.control_flags.value, abi::SigcontrolFlags::kInhibitDelivery);
         EXPECT(control.word[0], kSignalBit | kAllowed);
         const auto code = reinterpret_cast<uint64_t>(&halfcell_conform_spin);
         EXPECT_TRUE(control.saved_ip.value >= code && control.saved_ip.value < code + 64);
         EXPECT_TRUE((control.saved_archdep_reg.value & 0x202) == 0x202);
     }},
    {"inhibited-delivery-comes-later", "kernel:src/context/signal.rs signal_handler",
     [] {
         const Pages pages;
         abi::Sigcontrol& control = pages.control();
         control.control_flags.value = abi::SigcontrolFlags::kInhibitDelivery;
         const Context context = start_spinning(pages);
         __atomic_store_n(&control.word[0], kSignalBit | kAllowed, __ATOMIC_SEQ_CST);
         (void)context.verb(Verb::kInterrupt);
         let_it_turn();
         EXPECT(answer.load(), kAll);
         __atomic_store_n(&control.control_flags.value, 0, __ATOMIC_SEQ_CST);
         context.wait_for_end();
         EXPECT(answer.load(), 1);
     }},
    {"blocked-is-not-delivered", "kernel:src/context/signal.rs signal_handler",
     [] {
         const Pages pages;
         const Context context = start_spinning(pages);
         __atomic_store_n(&pages.control().word[0], kSignalBit, __ATOMIC_SEQ_CST);
         (void)context.verb(Verb::kInterrupt);
         let_it_turn();
         EXPECT(answer.load(), kAll);
     }},
    {"delivery-in-yield", "kernel:src/syscall/time.rs sched_yield",
     [] {
         const Pages pages;
         pages.control().word[0] = kSignalBit | kAllowed;
         const Context context([](uint64_t) {
             for (;;)
                 sys_yield();
         });
         looper = context.fd();
         EXPECT(put(OK(dup(context.fd(), "sighandler")),
                    pages.data(reinterpret_cast<uint64_t>(&halfcell_conform_handler))),
                32);
         EXPECT(context.start(), 0);
         context.wait_for_end();
         EXPECT(answer.load(), 1);
     }},
};

}  // namespace

Area signal_area() {
    return {"signals", "control pages, and jumps to a handler", kProbes};
}

}  // namespace halfcell::userland::conform
