// Tests that a program sees and steers the stops of another one, and that nothing of it stays when it lets
// go.

#include <array>

#include "tests/guests/check.h"
#include "userland/lib/tracer.h"
#include "userland/rt/child.h"
#include "userland/rt/exec.h"
#include "userland/rt/file.h"
#include "userland/rt/fork.h"
#include "userland/rt/input.h"
#include "userland/rt/signal.h"

namespace halfcell::userland {
namespace {

using abi::OpenFlags;
using Stop = abi::PtraceFlags;

constexpr std::uint64_t kNoCall = 0x1234567;
constexpr std::uint64_t kTrapFlag = 0x100;

template <typename Body>
std::uint32_t child_that(Body body) {
    const std::uint32_t child = need(fork_process(), "fork");
    if (child == 0) exit_now(body());
    return child;
}

// A child that waits for its tracer, in a place where it makes no call.
template <typename Body>
std::uint32_t waiting_child(Body body) {
    return child_that([&] {
        volatile bool go = false;
        // The tracer looks for rax, and jumps behind the loop.
        __asm__ volatile(
            "mov $0x5afe, %%eax\n"
            "1: cmpb $0, %0\n"
            "je 1b\n"
            :
            : "m"(go)
            : "rax", "memory");
        return body();
    });
}

Tracer attach(std::uint32_t child, std::uint64_t flags = OpenFlags::kTrunc) {
    Tracer tracer = need(Tracer::attach(child, flags), "attach");
    if ((flags & OpenFlags::kTrunc) != 0) check(!need(tracer.event(), "the stop"), "a stop without an event");
    return tracer;
}

// Attaches and steps until the child is in its waiting loop; then lets it out of it.
Tracer attach_to_waiting(std::uint32_t child, std::uint64_t more_flags = 0) {
    constexpr std::uint64_t kMark = 0x5afe;
    Tracer tracer = attach(child, OpenFlags::kTrunc | more_flags);
    abi::IntRegisters registers = need(tracer.registers(), "registers");
    std::array<std::byte, 2> code{};
    for (;;) {
        if (registers.rax == kMark) {
            need(tracer.read_memory(registers.rip, code), "code");
            // je with a short offset.
            if (code[0] == std::byte{0x74}) break;
        }
        check(need(tracer.run_to_stop(Stop::kPtraceStopSinglestep), "step") == Stop::kPtraceStopSinglestep,
              "a step");
        registers = need(tracer.registers(), "registers");
    }
    registers.rip += 2;
    need(tracer.set_registers(registers), "leave the loop");
    return tracer;
}

void check_end(std::uint32_t child, std::int32_t status, std::string_view what) {
    check(need(wait_for_child(child, 0), "wait").status == status, what);
}

void test_calls() {
    const std::uint32_t child = waiting_child([] {
        const std::uint64_t changed = raw_syscall(kNoCall, 1, 2, 3, 4, 5, 6);
        return changed == 4711 && raw_syscall(kNoCall) == abi::mux_error(Errno::kENOSYS) ? 0 : 1;
    });
    const Tracer tracer = attach_to_waiting(child);
    const std::uint64_t both = Stop::kPtraceStopPreSyscall | Stop::kPtraceStopPostSyscall;
    check(need(tracer.run_to_stop(both), "run") == Stop::kPtraceStopPreSyscall, "in front of the call");
    abi::IntRegisters registers = need(tracer.registers(), "registers");
    check(registers.rax == kNoCall, "its number");
    check(registers.rdi == 1 && registers.rsi == 2 && registers.rdx == 3 && registers.r10 == 4 &&
              registers.r8 == 5 && registers.r9 == 6,
          "its arguments");
    check(registers.rcx == registers.rip, "rip in rcx");
    registers.rax = 4711;
    need(tracer.set_registers(registers), "the result");
    check(need(tracer.run_to_stop(both | Stop::kPtraceFlagIgnore), "run") == Stop::kPtraceStopPostSyscall,
          "behind the call that was left out");
    check(need(tracer.registers(), "registers").rax == 4711, "the result");
    check(need(tracer.run_to_stop(both), "run") == Stop::kPtraceStopPreSyscall, "the next call");
    check(need(tracer.run_to_stop(both), "run") == Stop::kPtraceStopPostSyscall, "its end");
    check(need(tracer.registers(), "registers").rax == abi::mux_error(Errno::kENOSYS), "its result");
    need(tracer.resume(0), "let it run");
    check_end(child, 0, "the traced program's view of its calls");
    check(tracer.event().error() == Errno::kESRCH, "ESRCH when it is gone");
    check(tracer.resume(0).error() == Errno::kESRCH, "ESRCH to resume the gone");
}

// Instructions of all kinds, between two nops of three bytes.
int stepped_code() {
    std::uint64_t flags = 0;
    std::uint64_t flags_of_call = 0;
    std::array<char, 64> bytes{};
    std::array<char, 64> copy{};
    const char* from = bytes.data();
    char* to = copy.data();
    __asm__ volatile(
        "nopl (%%rax)\n"
        "xor %%r12d, %%r12d\n"
        "mov $1000, %%ecx\n"
        "1: add $3, %%r12\n"
        "dec %%ecx\n"
        "jnz 1b\n"
        "mov $64, %%ecx\n"
        "rep movsb\n"
        "lea -128(%%rsp), %%rsp\n"
        "pushfq\n"
        "pop %0\n"
        "lea 128(%%rsp), %%rsp\n"
        "mov $0x1234567, %%eax\n"
        "syscall\n"
        "mov %%r11, %1\n"
        "nopl (%%rax)\n"
        : "=&r"(flags), "=&r"(flags_of_call), "+S"(from), "+D"(to)
        :
        : "rax", "rcx", "r11", "r12", "memory", "cc");
    return (flags & kTrapFlag) == 0 && (flags_of_call & kTrapFlag) == 0 ? 0 : 1;
}

void test_steps() {
    const std::uint32_t child = waiting_child(stepped_code);
    const Tracer tracer = attach_to_waiting(child);
    const std::array<std::byte, 3> mark{std::byte{0x0f}, std::byte{0x1f}, std::byte{0x00}};
    std::array<std::byte, 3> code{};
    int marks = 0;
    std::uint64_t steps = 0;
    while (marks < 2) {
        const abi::IntRegisters registers = need(tracer.registers(), "registers");
        check((registers.rflags & kTrapFlag) == 0, "no trap flag in the registers");
        if (tracer.read_memory(registers.rip, code) && code == mark) ++marks;
        if (marks == 1) ++steps;
        check(need(tracer.run_to_stop(Stop::kPtraceStopSinglestep), "step") == Stop::kPtraceStopSinglestep,
              "a step");
    }
    // The first nop and two, three thousand of the loop, one, 64 moves, and seven up to the second nop.
    check(steps == 1 + 2 + 3000 + 1 + 64 + 7, "every instruction is one step");
    need(tracer.resume(0), "let it run");
    check_end(child, 0, "the stepped program saw no trap flag");
}

void test_breakpoint() {
    const std::uint32_t child = waiting_child([] {
        __asm__ volatile("int3");
        __asm__ volatile("int3");
        return 0;
    });
    const Tracer tracer = attach_to_waiting(child);
    check(need(tracer.run_to_stop(Stop::kPtraceStopBreakpoint), "run") == Stop::kPtraceStopBreakpoint,
          "a breakpoint");
    const abi::IntRegisters registers = need(tracer.registers(), "registers");
    std::array<std::byte, 1> code{};
    need(tracer.read_memory(registers.rip, code), "code");
    check(code[0] == std::byte{0xcc}, "rip is at the int3");
    check(need(tracer.run_to_stop(Stop::kPtraceStopBreakpoint | Stop::kPtraceFlagIgnore), "run") ==
              Stop::kPtraceStopBreakpoint,
          "the next one");
    const std::uint64_t second = need(tracer.registers(), "registers").rip;
    check(second > registers.rip, "behind the first");
    // The text is read-only to the program itself.
    code[0] = std::byte{0x90};
    need(tracer.write_memory(second, code), "put a nop there");
    need(tracer.resume(0), "let it run");
    check_end(child, 0, "the program ran over both");
}

volatile std::uint32_t handled = 0;

// A forked process takes no signal in its first quantum. One that it sends to itself does not tell when that
// is over: the runtime takes it when the call returns, without the kernel.
void outlive_first_quantum() {
    (void)sys_nanosleep({0, 20'000'000});
}

void test_signal() {
    const std::uint32_t child = waiting_child([] {
        outlive_first_quantum();
        handle_signal(Signal::kUsr1, [](std::uint32_t) { handled = handled + 1; });
        (void)raw_syscall(kNoCall);
        (void)raw_syscall(kNoCall);
        (void)raw_syscall(kNoCall);
        return handled == 1 ? 0 : 1;
    });
    const Tracer tracer = attach_to_waiting(child);
    const auto to_call = [&] {
        abi::IntRegisters registers{};
        do {
            check(need(tracer.run_to_stop(Stop::kPtraceStopPreSyscall), "run") == Stop::kPtraceStopPreSyscall,
                  "a call");
            registers = need(tracer.registers(), "registers");
        } while (registers.rax != kNoCall);
    };
    to_call();
    need(send_signal(child, Signal::kUsr1), "signal");
    need(tracer.resume(Stop::kPtraceStopSignal), "run");
    auto event = need(tracer.event(), "the signal");
    check(event && event->cause == Stop::kPtraceStopSignal && event->a == Signal::kUsr1, "the signal");
    need(tracer.resume(Stop::kPtraceFlagIgnore | Stop::kPtraceStopPreSyscall), "swallow it");
    (void)need(tracer.event(), "the next call");
    while (need(tracer.registers(), "registers").rax != kNoCall)
        (void)need(tracer.run_to_stop(Stop::kPtraceStopPreSyscall), "run");
    need(send_signal(child, Signal::kUsr1), "signal again");
    need(tracer.resume(Stop::kPtraceStopSignal), "run");
    event = need(tracer.event(), "the signal");
    check(event && event->cause == Stop::kPtraceStopSignal, "the second signal");
    need(tracer.resume(0), "let it come");
    check_end(child, 0, "one of two signals was handled");
}

void test_exit() {
    const std::uint32_t child = waiting_child([] { return 42; });
    const Tracer tracer = attach_to_waiting(child);
    need(tracer.resume(Stop::kPtraceStopExit), "run");
    const auto event = need(tracer.event(), "the exit");
    check(event && event->cause == Stop::kPtraceStopExit && event->a == 42 << 8, "the status");
    check(need(tracer.registers(), "registers").rip != 0, "registers on the way out");
    check(need(wait_for_child(child, abi::WaitFlags::kNohang), "look").pid == 0, "it has not ended yet");
    need(tracer.resume(0), "let it go");
    check_end(child, 42 << 8, "the status of the traced");
}

void test_clone() {
    const std::uint32_t child = waiting_child([] {
        const Result<std::uint32_t> grandchild = fork_process();
        if (!grandchild) return 1;
        if (*grandchild == 0) exit_now(7);
        const Result<ChildNews> news = wait_for_child(*grandchild, 0);
        return news && news->status == 7 << 8 ? 0 : 2;
    });
    Tracer tracer = attach_to_waiting(child);
    need(tracer.resume(Stop::kPtraceEventClone), "run");
    const auto event = need(tracer.event(), "the clone");
    check(event && event->cause == Stop::kPtraceEventClone && event->a > child, "the child's pid");
    const Tracer second = attach(static_cast<std::uint32_t>(event->a));
    need(tracer.resume(0), "the parent goes on");
    check(need(second.run_to_stop(Stop::kPtraceStopPreSyscall), "run") == Stop::kPtraceStopPreSyscall,
          "the child's first call");
    need(second.resume(0), "the child goes on");
    check_end(child, 0, "parent and child did what they would have done");
}

void test_exec() {
    const std::uint32_t child = waiting_child([] {
        const std::array<std::string, 1> words{"true"};
        (void)exec_or_explain(words, inherited_environment());
        return 1;
    });
    const Tracer tracer = attach_to_waiting(child);
    need(tracer.resume(Stop::kPtraceEventAddrspaceSwitch), "run");
    const auto event = need(tracer.event(), "the switch");
    check(event && event->cause == Stop::kPtraceEventAddrspaceSwitch, "another address space");
    check_end(child, 0, "the other program");
}

void test_nonblocking() {
    const std::uint32_t child = waiting_child([] {
        (void)raw_syscall(kNoCall);
        return 0;
    });
    {
        Tracer first = attach_to_waiting(child);
        check(Tracer::attach(child, 0).error() == Errno::kEBUSY, "one tracer at a time");
        // Back into the loop.
        abi::IntRegisters registers = need(first.registers(), "registers");
        registers.rip -= 2;
        need(first.set_registers(registers), "set");
    }
    const Tracer tracer = need(Tracer::attach(child, OpenFlags::kNonblock), "attach again");
    check(tracer.event().error() == Errno::kEAGAIN, "EAGAIN while it runs");
    check(static_cast<bool>(tracer.registers()), "registers of one that runs");
    const UniqueFd queue = need(open_file("/scheme/event", OpenFlags::kRdwr | OpenFlags::kCreat), "queue");
    abi::Event wanted{.id = word(tracer.fd()), .flags = abi::EventFlags::kEventRead, .data = 9};
    need(sys_write(queue.fd(), std::as_bytes(std::span(&wanted, 1))), "ask for events");
    need(tracer.resume(Stop::kPtraceStopSinglestep), "step");
    abi::Event got{};
    need(sys_read(queue.fd(), std::as_writable_bytes(std::span(&got, 1))), "wait for events");
    check(got.data == 9 && (got.flags & abi::EventFlags::kEventRead) != 0, "an event of the trace handle");
    const auto event = need(tracer.event(), "read it");
    check(event && event->cause == Stop::kPtraceStopSinglestep, "the step");
    need(send_signal(child, Signal::kKill), "kill");
    check_end(child, 9, "killed in a stop");
    while (tracer.event().error() != Errno::kESRCH)
        (void)sys_nanosleep({0, 1'000'000});
}

void test_sleeping() {
    const std::uint32_t child = child_that([] {
        const auto before = sys_clock_gettime(abi::Clock::kMonotonic);
        if (!sys_nanosleep({0, 300'000'000})) return 1;
        const auto after = sys_clock_gettime(abi::Clock::kMonotonic);
        const std::int64_t slept =
            (after->tv_sec - before->tv_sec) * 1'000'000'000 + after->tv_nsec - before->tv_nsec;
        return slept >= 300'000'000 ? 0 : 2;
    });
    // Breaks into it again and again; it neither notices nor sleeps for ever.
    for (int i = 0; i < 20; ++i) {
        Result<Tracer> tracer = Tracer::attach(child, OpenFlags::kTrunc);
        if (!tracer) break;
        const auto event = tracer->event();
        if (!event) break;
        check(static_cast<bool>(tracer->registers()), "registers of a sleeper");
        tracer->detach();
        (void)sys_nanosleep({0, 5'000'000});
    }
    check_end(child, 0, "a sleep that tracers broke");
}

// A tracer that ends while its tracee is in a stop: the tracee goes on, or dies with it.
void test_death_of_the_tracer(std::uint64_t stop, bool exclusive) {
    Pipe pipe = need(make_pipe(), "pipe");
    const bool by_signal = stop == Stop::kPtraceStopSignal;
    const std::uint32_t tracer_process = child_that([&] {
        handle_signal(Signal::kUsr1, [](std::uint32_t) { handled = handled + 1; });
        const std::uint32_t child = waiting_child([&] {
            while (by_signal && handled == 0)
                (void)sys_nanosleep({0, 1'000'000});
            (void)write_all(pipe.writer.fd(), "alive");
            return 0;
        });
        const Tracer tracer = attach_to_waiting(child, exclusive ? OpenFlags::kExcl : 0);
        if (by_signal) need(send_signal(child, Signal::kUsr1), "signal");
        check(need(tracer.run_to_stop(stop), "run") == stop, "the stop");
        exit_now(0);
        return 1;
    });
    pipe.writer.reset();
    check_end(tracer_process, 0, "the tracer");
    std::string text;
    need(read_rest(pipe.reader.fd(), text), "read");
    check(text == (exclusive ? "" : "alive"), "the tracee's word");
}

// A tracee that is killed in a stop ends there, and its tracer hears of it.
void test_death_of_the_tracee(std::uint64_t stop) {
    const std::uint32_t child = waiting_child([] {
        (void)raw_syscall(kNoCall);
        __asm__ volatile("int3");
        return 0;
    });
    const Tracer tracer = attach_to_waiting(child);
    check(need(tracer.run_to_stop(stop), "run") == stop, "the stop");
    need(send_signal(child, Signal::kKill), "kill");
    check_end(child, 9, "killed in a stop");
    check(tracer.event().error() == Errno::kESRCH, "ESRCH when it is gone");
}

// Two that have stopped each other: nobody lets them go on, and both can be killed.
void test_ring() {
    Pipe attached = need(make_pipe(), "pipe");
    std::array<Pipe, 2> orders{need(make_pipe(), "pipe"), need(make_pipe(), "pipe")};
    std::array<std::uint32_t, 2> pids{};
    for (std::size_t i = 0; i < pids.size(); i++)
        pids[i] = child_that([&] {
            std::uint32_t other = 0;
            (void)sys_read(orders[i].reader.fd(), std::as_writable_bytes(std::span(&other, 1)));
            const Result<Tracer> tracer = Tracer::attach(other, OpenFlags::kTrunc);
            if (tracer) (void)write_all(attached.writer.fd(), "a");
            for (;;)
                (void)sys_nanosleep({1000, 0});
            return 0;
        });
    for (std::size_t i = 0; i < pids.size(); i++)
        need(sys_write(orders[i].writer.fd(), std::as_bytes(std::span(&pids[1 - i], 1))), "tell");
    // One has stopped the other at least; whether that comes to do the same first is left to chance.
    std::byte byte{};
    need(sys_read(attached.reader.fd(), {&byte, 1}), "somebody is traced");
    for (const std::uint32_t pid : pids) {
        need(send_signal(pid, Signal::kKill), "kill");
        check_end(pid, 9, "one of a ring");
    }
}

void test_refusals() {
    const std::uint32_t self = need(process_identity(), "identity").pid;
    check(Tracer::attach(self, OpenFlags::kTrunc).error() == Errno::kEPERM, "EPERM to trace oneself");
    check(Tracer::attach(1'000'000, 0).error() == Errno::kESRCH, "ESRCH for nobody");
    const std::uint32_t child = child_that([] {
        for (;;)
            (void)sys_nanosleep({1000, 0});
        return 0;
    });
    {
        const Tracer tracer = attach(child, OpenFlags::kTrunc | OpenFlags::kExcl);
        check(tracer.resume(1 << 20).error() == Errno::kEINVAL, "EINVAL for other bits");
        std::byte little{};
        check(sys_write(tracer.fd(), {&little, 1}).error() == Errno::kEINVAL, "EINVAL for less than a word");
        check(sys_read(tracer.fd(), {&little, 1}).error() == Errno::kEINVAL, "EINVAL for less than an event");
    }
    check_end(child, 9, "an exclusive tracer takes its tracee along");
}

}  // namespace

int main_program(std::span<const std::string_view>) {
    test_calls();
    test_steps();
    test_breakpoint();
    test_signal();
    test_exit();
    test_clone();
    test_exec();
    test_nonblocking();
    test_sleeping();
    test_death_of_the_tracer(Stop::kPtraceStopPreSyscall, true);
    for (const std::uint64_t stop :
         {Stop::kPtraceStopPreSyscall, Stop::kPtraceStopPostSyscall, Stop::kPtraceStopSinglestep,
          Stop::kPtraceStopSignal, Stop::kPtraceStopExit})
        test_death_of_the_tracer(stop, false);
    for (const std::uint64_t stop : {Stop::kPtraceStopPreSyscall, Stop::kPtraceStopPostSyscall,
                                     Stop::kPtraceStopSinglestep, Stop::kPtraceStopBreakpoint})
        test_death_of_the_tracee(stop);
    for (int i = 0; i < 20; ++i)
        test_ring();
    test_refusals();
    return passed();
}

}  // namespace halfcell::userland
