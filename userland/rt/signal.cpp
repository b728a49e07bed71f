#include "userland/rt/signal.h"

#include <cpuid.h>

#include <array>

#include "abi/flags.h"
#include "abi/proc_call.h"
#include "userland/rt/process_state.h"
#include "userland/rt/signal_state.h"

namespace halfcell::userland {
namespace {

using abi::ActionBits;

constexpr std::uint64_t kInhibit = abi::SigcontrolFlags::kInhibitDelivery;
// Of a thread's words: what waits; the other half is what is allowed.
constexpr std::uint64_t kPendingHalf = 0xffffffff;
constexpr std::uint64_t kAlwaysAllowed = abi::signal_bit(Signal::kKill) | abi::signal_bit(Signal::kStop);

extern "C" {
// Shared with the kernel and the process manager; each must lie within one page.
alignas(4096) constinit abi::SigProcControl halfcell_process_control{};
alignas(512) constinit abi::Sigcontrol halfcell_thread_control{};
// The parts of the extended state that the entry code saves by xsave; 0: fxsave has to do.
constinit std::uint64_t halfcell_saved_state = 0;
void halfcell_signal_entry();
}

// Every one may be changed by a handler at any time, so each is set as a whole.
constinit std::array<SignalHandler, abi::kSignalCount> handlers{};
constinit std::uint64_t ignored_by_program = 0;

bool is_signal(std::uint32_t signal) {
    return signal >= 1 && signal <= abi::kSignalCount;
}
bool is_changeable(std::uint32_t signal) {
    return is_signal(signal) && signal != Signal::kKill && signal != Signal::kStop;
}

std::uint64_t default_action(std::uint32_t signal) {
    switch (signal) {
        case Signal::kTstp:
        case Signal::kTtin:
        case Signal::kTtou:
            return ActionBits::kSigSpecific;
        case Signal::kChld:
        case Signal::kUrg:
        case Signal::kWinch:
            return ActionBits::kIgnored;
        default:
            return 0;
    }
}

abi::RawAction& action_of(std::uint32_t signal) {
    return halfcell_process_control.actions[signal - 1];
}

void set_action(std::uint32_t signal, std::uint64_t first, std::uint64_t mask) {
    __atomic_store_n(&action_of(signal).user_data, mask, __ATOMIC_RELAXED);
    __atomic_store_n(&action_of(signal).first, first, __ATOMIC_RELEASE);
}

void inhibit() {
    __atomic_fetch_or(&halfcell_thread_control.control_flags.value, kInhibit, __ATOMIC_ACQ_REL);
}
void permit() {
    __atomic_fetch_and(&halfcell_thread_control.control_flags.value, ~kInhibit, __ATOMIC_ACQ_REL);
}

std::uint64_t pending() {
    return abi::pending_unblocked(halfcell_thread_control, halfcell_process_control);
}

void set_allowed(std::uint64_t allowed) {
    allowed |= kAlwaysAllowed;
    for (int half = 0; half < 2; ++half) {
        std::uint64_t& target = halfcell_thread_control.word[half];
        const std::uint64_t high = allowed >> (32 * half) << 32;
        std::uint64_t old = abi::load_relaxed(target);
        // The low half changes at any time: the process manager sets bits in it.
        while (!__atomic_compare_exchange_n(&target, &old, (old & kPendingHalf) | high, false,
                                            __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
        }
    }
}

// Takes a queued real-time signal from the process manager; false where the queue was empty.
bool take_queued(std::uint32_t signal) {
    alignas(8) std::array<std::byte, sizeof(abi::RtSigInfo)> info{};
    info[0] = static_cast<std::byte>(signal - 33);
    const std::uint64_t words[] = {static_cast<std::uint64_t>(abi::ProcCall::kSigdeq)};
    return static_cast<bool>(call_process(words, info));
}

// Takes one signal of those that wait and are allowed; 0 where there is none.
std::uint32_t claim_signal() {
    for (;;) {
        const std::uint64_t waiting = pending();
        if (waiting == 0) return 0;
        const auto signal = static_cast<std::uint32_t>(__builtin_ctzll(waiting)) + 1;
        const std::uint64_t half_bit = std::uint64_t{1} << (signal - 1) % 32;
        std::uint64_t& own = halfcell_thread_control.word[(signal - 1) / 32];
        if ((__atomic_fetch_and(&own, ~half_bit, __ATOMIC_ACQ_REL) & half_bit) != 0) return signal;
        if (signal > 32) {
            if (take_queued(signal)) return signal;
            continue;
        }
        const std::uint64_t bit = abi::signal_bit(signal);
        const std::uint64_t before =
            __atomic_fetch_and(&halfcell_process_control.pending, ~bit, __ATOMIC_ACQ_REL);
        if ((before & bit) != 0) return signal;
    }
}

// Delivery is inhibited.
void act_on(std::uint32_t signal) {
    const std::uint64_t action = __atomic_load_n(&action_of(signal).first, __ATOMIC_ACQUIRE);
    if ((action & ActionBits::kIgnored) != 0) return;
    const SignalHandler handler = handlers[signal - 1];
    if (handler == nullptr) {
        // A stop is the process manager's work, and continuing has happened already.
        if (signal == Signal::kCont || (action & ActionBits::kSigSpecific) != 0) return;
        exit_by_signal(signal);
    }
    const std::uint64_t allowed = abi::allowed_set(halfcell_thread_control);
    const std::uint64_t mask = __atomic_load_n(&action_of(signal).user_data, __ATOMIC_RELAXED);
    set_allowed(allowed & ~mask & ~abi::signal_bit(signal));
    permit();
    handler(signal);
    inhibit();
    set_allowed(allowed);
}

// Delivery is inhibited at the beginning and permitted at the end, with nothing deliverable left behind.
void deliver_all() {
    for (;;) {
        while (const std::uint32_t signal = claim_signal())
            act_on(signal);
        permit();
        // What came since the last look found delivery inhibited, and nobody looks for it again.
        if (pending() == 0) return;
        inhibit();
    }
}

// What xsave can store in the entry code's buffer: x87, SSE, AVX and AVX-512.
std::uint64_t saveable_state() {
    constexpr std::uint64_t kKnownParts = 0xE7;
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0) return 0;
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low & kKnownParts;
}

extern "C" __attribute__((used)) void halfcell_signal_main() {
    deliver_all();
}

// The kernel has saved rip and rflags and changed nothing else. The 128 bytes below the stack pointer belong
// to the interrupted code.
__asm__(
    ".globl halfcell_signal_entry\n"
    ".type halfcell_signal_entry, @function\n"
    "halfcell_signal_entry:\n"
    "    leaq -128(%rsp), %rsp\n"
    "    pushq halfcell_thread_control+280(%rip)\n"  // saved_ip
    "    pushq halfcell_thread_control+288(%rip)\n"  // saved_archdep_reg
    "    pushq %rax\n    pushq %rcx\n    pushq %rdx\n    pushq %rbx\n    pushq %rsi\n    pushq %rdi\n"
    "    pushq %rbp\n    pushq %r8\n    pushq %r9\n    pushq %r10\n    pushq %r11\n    pushq %r12\n"
    "    pushq %r13\n    pushq %r14\n    pushq %r15\n"
    "    cld\n"
    "    movq %rsp, %rbx\n"
    "    subq $4096, %rsp\n"
    "    andq $-64, %rsp\n"
    "    movq halfcell_saved_state(%rip), %rax\n"
    "    testq %rax, %rax\n"
    "    jz 1f\n"
    "    xorl %edx, %edx\n"
    // xrstor reads the header that follows the 512 bytes of the legacy area, and xsave writes part of it.
    "    movq %rdx, 512(%rsp)\n    movq %rdx, 520(%rsp)\n    movq %rdx, 528(%rsp)\n"
    "    movq %rdx, 536(%rsp)\n    movq %rdx, 544(%rsp)\n    movq %rdx, 552(%rsp)\n"
    "    movq %rdx, 560(%rsp)\n    movq %rdx, 568(%rsp)\n"
    "    xsave64 (%rsp)\n"
    "    jmp 2f\n"
    "1:  fxsave64 (%rsp)\n"
    "2:  call halfcell_signal_main\n"
    "    movq halfcell_saved_state(%rip), %rax\n"
    "    testq %rax, %rax\n"
    "    jz 3f\n"
    "    xorl %edx, %edx\n"
    "    xrstor64 (%rsp)\n"
    "    jmp 4f\n"
    "3:  fxrstor64 (%rsp)\n"
    "4:  movq %rbx, %rsp\n"
    "    popq %r15\n    popq %r14\n    popq %r13\n    popq %r12\n    popq %r11\n    popq %r10\n"
    "    popq %r9\n    popq %r8\n    popq %rbp\n    popq %rdi\n    popq %rsi\n    popq %rbx\n"
    "    popq %rdx\n    popq %rcx\n    popq %rax\n"
    "    popfq\n"
    "    ret $128\n");
static_assert(offsetof(abi::Sigcontrol, saved_ip) == 280 &&
              offsetof(abi::Sigcontrol, saved_archdep_reg) == 288);

}  // namespace

void start_signals(std::uint64_t blocked, std::uint64_t ignored) {
    halfcell_saved_state = saveable_state();
    for (std::uint32_t signal = 1; signal <= abi::kSignalCount; ++signal)
        set_action(signal, default_action(signal), 0);
    for (std::uint32_t signal = 1; signal <= abi::kSignalCount; ++signal) {
        if ((ignored & abi::signal_bit(signal)) != 0) ignore_signal(signal);
    }
    set_allowed(~blocked);
    (void)register_signals(process().thread, process().process);
}

Result<void> register_signals(Fd thread, Fd process) {
    const abi::SetSighandlerData data{reinterpret_cast<std::uint64_t>(&halfcell_signal_entry), 0,
                                      word(&halfcell_thread_control), word(&halfcell_process_control)};
    {
        const UniqueFd handle(RT_TRY(sys_dup(thread, "sighandler")));
        RT_TRY(sys_write(handle.fd(), std::as_bytes(std::span(&data, 1))));
    }
    const std::uint64_t process_words[] = {static_cast<std::uint64_t>(abi::ProcCall::kSyncSigPctl)};
    RT_TRY(sys_call(process, {}, 0, process_words));
    const std::uint64_t thread_words[] = {static_cast<std::uint64_t>(abi::ThreadCall::kSyncSigTctl)};
    RT_TRY(sys_call(thread, {}, 0, thread_words));
    return {};
}

bool signals_wait() {
    const std::uint64_t waiting = abi::load_relaxed(halfcell_process_control.pending) |
                                  (abi::load_relaxed(halfcell_thread_control.word[0]) & kPendingHalf) |
                                  (abi::load_relaxed(halfcell_thread_control.word[1]) & kPendingHalf);
    return waiting != 0;
}

Result<void> forget_signals(const ForeignSpace& space) {
    constexpr std::uint64_t kNone = 0;
    RT_TRY(space.write(word(&halfcell_process_control.pending), std::as_bytes(std::span(&kNone, 1))));
    const std::uint64_t words[] = {abi::load_relaxed(halfcell_thread_control.word[0]) & ~kPendingHalf,
                                   abi::load_relaxed(halfcell_thread_control.word[1]) & ~kPendingHalf};
    return space.write(word(&halfcell_thread_control.word), std::as_bytes(std::span(words)));
}

void stop_signals() {
    const abi::SetSighandlerData none{};
    const Result<Fd> handle = sys_dup(process().thread, "sighandler");
    if (!handle) return;
    (void)sys_write(*handle, std::as_bytes(std::span(&none, 1)));
    (void)sys_close(*handle);
}

std::uint64_t ignored_signals() {
    return ignored_by_program;
}

void handle_signal(std::uint32_t signal, SignalHandler handler, std::uint64_t mask) {
    if (!is_changeable(signal)) return;
    const SignalsHeld held;
    ignored_by_program &= ~abi::signal_bit(signal);
    handlers[signal - 1] = handler;
    set_action(signal, reinterpret_cast<std::uint64_t>(handler) & ActionBits::kHandlerMask, mask);
}

void ignore_signal(std::uint32_t signal) {
    if (!is_changeable(signal)) return;
    const SignalsHeld held;
    ignored_by_program |= abi::signal_bit(signal);
    handlers[signal - 1] = nullptr;
    set_action(signal, ActionBits::kIgnored, 0);
}

void reset_signal(std::uint32_t signal) {
    if (!is_changeable(signal)) return;
    const SignalsHeld held;
    ignored_by_program &= ~abi::signal_bit(signal);
    handlers[signal - 1] = nullptr;
    set_action(signal, default_action(signal), 0);
}

bool signal_is_ignored(std::uint32_t signal) {
    return is_signal(signal) && (ignored_by_program & abi::signal_bit(signal)) != 0;
}

std::uint64_t blocked_signals() {
    return ~abi::allowed_set(halfcell_thread_control);
}

void set_blocked_signals(std::uint64_t mask) {
    const SignalsHeld held;
    set_allowed(~mask);
}

SignalsHeld::SignalsHeld()
    : outermost_((abi::load_relaxed(halfcell_thread_control.control_flags.value) & kInhibit) == 0) {
    inhibit();
}

SignalsHeld::~SignalsHeld() {
    if (outermost_) deliver_all();
}

void exit_by_signal(std::uint32_t signal) {
    const std::uint64_t words[] = {static_cast<std::uint64_t>(abi::ProcCall::kExit),
                                   abi::exit_word_for_signal(signal)};
    (void)call_process(words);
    __builtin_trap();
}

Result<void> send_signal(std::int64_t target, std::uint32_t signal) {
    const std::uint64_t words[] = {static_cast<std::uint64_t>(abi::ProcCall::kKill),
                                   static_cast<std::uint64_t>(target), signal};
    const SignalsHeld held;
    const Result<std::uint64_t> sent = call_process(words);
    // The caller itself was among those interrupted, which is a success; the signal is taken below.
    if (!sent && sent.error() != Errno::kERESTART) return sent.error();
    return {};
}

}  // namespace halfcell::userland
