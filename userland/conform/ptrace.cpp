// Tracing another process: what redox_syscall declares of it, and what Redox's kernel of this snapshot no
// longer does. Where it is answered, the contract is Redox RFC 0004.

#include <array>

#include "abi/ptrace.h"
#include "abi/regs.h"
#include "userland/conform/areas.h"
#include "userland/conform/context.h"
#include "userland/conform/objects.h"
#include "userland/rt/child.h"
#include "userland/rt/fork.h"
#include "userland/rt/output.h"
#include "userland/rt/process.h"
#include "userland/rt/signal.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;
using Stop = abi::PtraceFlags;

constexpr uint64_t kUnknownCall = 0x1234567;

// A child that makes an unknown call for ever.
uint32_t calling_child() {
    const Result<uint32_t> child = fork_process();
    if (!child) fail("cannot fork");
    if (*child != 0) return *child;
    for (;;)
        raw_syscall(kUnknownCall, 1, 2);
}

uint64_t open_part(uint32_t pid, std::string_view name, uint64_t flags) {
    return openat(word(process().name_space), concat("/scheme/proc/", pid, "/", name), Open::kRdwr | flags);
}

// Redox has no such name; what follows can then not be asked.
uint64_t open_trace(uint32_t pid, uint64_t flags) {
    const uint64_t opened = open_part(pid, "trace", flags);
    if (abi::demux_errno(opened) == static_cast<int32_t>(kENOENT)) skip("the stops are not fired here");
    return OK(opened);
}

abi::PtraceEvent event_of(uint64_t trace) {
    abi::PtraceEvent event{};
    EXPECT(read(trace, &event, sizeof event), sizeof event);
    return event;
}

uint64_t resume(uint64_t trace, uint64_t flags) {
    return write(trace, &flags, sizeof flags);
}

constexpr Probe kPtraceProbes[] = {
    {"trace-handles", "rfcs:text/0004-ptrace.md Process trace",
     [] {
         const uint32_t child = calling_child();
         EXPECT_DEVIATION(abi::demux_errno(open_part(child, "trace", Open::kExcl)),
                          static_cast<int32_t>(kENOENT), 0);
     },
     Deviation::kResurrected},
    {"one-tracer", "rfcs:text/0004-ptrace.md Process trace",
     [] {
         const uint32_t child = calling_child();
         open_trace(child, Open::kExcl);
         EXPECT(open_part(child, "trace", 0), kEBUSY);
     }},
    {"in-front-of-a-call", "rfcs:text/0004-ptrace.md Breakpoints",
     [] {
         const uint32_t child = calling_child();
         const uint64_t trace = open_trace(child, Open::kExcl);
         const uint64_t registers = OK(open_part(child, "regs/int", 0));
         EXPECT(resume(trace, Stop::kPtraceStopPreSyscall), 8);
         abi::IntRegisters seen{};
         do {
             EXPECT(event_of(trace).cause, Stop::kPtraceStopPreSyscall);
             EXPECT(read(registers, &seen, sizeof seen), sizeof seen);
             if (seen.rax != kUnknownCall) EXPECT(resume(trace, Stop::kPtraceStopPreSyscall), 8);
         } while (seen.rax != kUnknownCall);
         EXPECT(seen.rdi, 1);
         EXPECT(seen.rsi, 2);
         EXPECT(seen.rcx, seen.rip);
         EXPECT(resume(trace, Stop::kPtraceStopPostSyscall), 8);
         EXPECT(event_of(trace).cause, Stop::kPtraceStopPostSyscall);
         EXPECT(read(registers, &seen, sizeof seen), sizeof seen);
         EXPECT(seen.rax, kENOSYS);
     }},
    {"ignored-call", "rfcs:text/0004-ptrace.md Flags",
     [] {
         const uint32_t child = calling_child();
         const uint64_t trace = open_trace(child, Open::kExcl);
         const uint64_t registers = OK(open_part(child, "regs/int", 0));
         EXPECT(resume(trace, Stop::kPtraceStopPreSyscall), 8);
         event_of(trace);
         abi::IntRegisters seen{};
         EXPECT(read(registers, &seen, sizeof seen), sizeof seen);
         seen.rax = 4711;
         EXPECT(write(registers, &seen, sizeof seen), sizeof seen);
         EXPECT(resume(trace, Stop::kPtraceFlagIgnore | Stop::kPtraceStopPostSyscall), 8);
         EXPECT(event_of(trace).cause, Stop::kPtraceStopPostSyscall);
         EXPECT(read(registers, &seen, sizeof seen), sizeof seen);
         EXPECT(seen.rax, 4711);
     }},
    {"steps", "rfcs:text/0004-ptrace.md Breakpoints",
     [] {
         const uint32_t child = calling_child();
         const uint64_t trace = open_trace(child, Open::kExcl | Open::kTrunc);
         const uint64_t registers = OK(open_part(child, "regs/int", 0));
         abi::PtraceEvent none{};
         EXPECT(read(trace, &none, sizeof none), 0);
         abi::IntRegisters before{};
         abi::IntRegisters after{};
         EXPECT(read(registers, &before, sizeof before), sizeof before);
         EXPECT(resume(trace, Stop::kPtraceStopSinglestep), 8);
         EXPECT(event_of(trace).cause, Stop::kPtraceStopSinglestep);
         EXPECT(read(registers, &after, sizeof after), sizeof after);
         EXPECT_TRUE(after.rip != before.rip);
         EXPECT(after.rflags & 0x100, 0);
     }},
    {"exit", "rfcs:text/0004-ptrace.md Breakpoints",
     [] {
         const Result<uint32_t> child = fork_process();
         if (!child) fail("cannot fork");
         if (*child == 0) {
             while (raw_syscall(kUnknownCall) != 77) {
             }
             exit_now(42);
         }
         const uint64_t trace = open_trace(*child, Open::kExcl);
         const uint64_t registers = OK(open_part(*child, "regs/int", 0));
         EXPECT(resume(trace, Stop::kPtraceStopPreSyscall), 8);
         abi::IntRegisters seen{};
         do {
             event_of(trace);
             EXPECT(read(registers, &seen, sizeof seen), sizeof seen);
             if (seen.rax != kUnknownCall) EXPECT(resume(trace, Stop::kPtraceStopPreSyscall), 8);
         } while (seen.rax != kUnknownCall);
         seen.rax = 77;
         EXPECT(write(registers, &seen, sizeof seen), sizeof seen);
         EXPECT(resume(trace, Stop::kPtraceFlagIgnore | Stop::kPtraceStopExit), 8);
         const abi::PtraceEvent event = event_of(trace);
         EXPECT(event.cause, Stop::kPtraceStopExit);
         EXPECT(event.a, abi::wait_status_exited(42));
         EXPECT(resume(trace, 0), 8);
         abi::PtraceEvent none{};
         EXPECT(read(trace, &none, sizeof none), kESRCH);
         EXPECT(resume(trace, 0), kESRCH);
     }},
    {"wrong-words", "kernel:src/scheme/proc.rs Trace",
     [] {
         const uint32_t child = calling_child();
         const uint64_t trace = open_trace(child, Open::kExcl);
         EXPECT(resume(trace, 0x10000), kEINVAL);
         const uint32_t half = 0;
         EXPECT(write(trace, &half, sizeof half), kEINVAL);
         EXPECT(resume(trace, 0), 8);
     }},
    {"nonblocking", "rfcs:text/0004-ptrace.md Nonblocking mode",
     [] {
         const uint32_t child = calling_child();
         const uint64_t trace = open_trace(child, Open::kExcl | Open::kNonblock);
         abi::PtraceEvent none{};
         EXPECT(read(trace, &none, sizeof none), kEAGAIN);
     }},
    {"memory", "rfcs:text/0004-ptrace.md Modify memory",
     [] {
         static uint64_t value = 5;
         const uint32_t child = calling_child();
         open_trace(child, Open::kExcl);
         const uint64_t memory = OK(open_part(child, "mem", 0));
         value = 6;
         uint64_t seen = 0;
         EXPECT(sc(abi::SYS_LSEEK, memory, &value, abi::SeekWhence::kSet), as_word(&value));
         EXPECT(read(memory, &seen, sizeof seen), sizeof seen);
         EXPECT(seen, 5);
         EXPECT(sc(abi::SYS_LSEEK, memory, 0, abi::SeekWhence::kSet), 0);
         EXPECT(read(memory, &seen, sizeof seen), kEFAULT);
     }},
    {"oneself-and-nobody", "rfcs:text/0004-ptrace.md Security",
     [] {
         const Result<abi::ProcMeta> self = process_identity();
         if (!self) fail("no identity");
         const uint64_t opened = open_part(self->pid, "trace", 0);
         if (abi::demux_errno(opened) == static_cast<int32_t>(kENOENT)) skip("the stops are not fired here");
         EXPECT(opened, kEPERM);
         EXPECT(open_part(99999, "trace", 0), kESRCH);
     }},
};

}  // namespace

Area ptrace_area() {
    return {"ptrace", "stops of another process", kPtraceProbes};
}

}  // namespace halfcell::userland::conform
