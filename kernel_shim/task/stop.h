#pragma once

// The stops of a traced context by name, and what its tracer is told of them. Redox's own are those of
// abi::PtraceFlags (contract: Redox RFC 0004); a debugger inside the supervisor can ask for some more.

#include <cstdint>
#include <memory>

#include "abi/ptrace.h"
#include "abi/regs.h"
#include "kernel_shim/base/ids.h"

namespace halfcell::task {

class Context;

enum class StopKind : std::uint8_t {
    kAsked,        // the tracer wanted it to, or it is new and has not taken a step
    kPreSyscall,   // in front of a call: rip is behind `syscall`, rax holds the number
    kPostSyscall,  // behind one: rax holds the result
    kSingleStep,   // one instruction, or one call, has been executed
    kSignal,       // in front of the jump to the signal handler
    kBreakpoint,   // at an int3: rip is its address
    kFault,        // at an instruction that faults: rip is its address
    kExit,         // on the way out; what it does next is to end
    kSpaceSwitch,  // in another address space, in front of its first instruction there
    kClone,        // a child has been made; the parent runs on
    kEnded,        // dead: the last one of a context
};

// Breakpoints are abi::PtraceFlags and these, which no guest can set. All three are stops.
struct StopFlags {
    static constexpr std::uint64_t kFault = std::uint64_t{1} << 32;
    static constexpr std::uint64_t kSpaceSwitch = std::uint64_t{1} << 33;
    // Behind the call by which the context has made a child.
    static constexpr std::uint64_t kClone = std::uint64_t{1} << 34;
};

struct TraceEvent {
    ContextId context;
    StopKind kind = StopKind::kAsked;
    // The context waits for TraceSession::resume.
    bool stopped = false;
    // As a read of a trace handle shows it; cause 0 for what Redox has no name for.
    // a and b by cause: STOP_SIGNAL: signal number, handler address; STOP_EXIT: status as waitpid reports it;
    // EVENT_CLONE: pid of the child; STOP_BREAKPOINT and STOP_SINGLESTEP: nothing.
    abi::PtraceEvent record{};
    // What the hardware said: kBreakpoint, kSingleStep, kFault, and a kExit by a fault (kind is 0 otherwise).
    abi::Exception exception{};
    // kClone: who was made. It is stopped (kAsked) before its first instruction.
    std::shared_ptr<Context> child;
};

// An event of `context`, with the words its cause has.
inline TraceEvent event_of(ContextId context, StopKind kind, std::uint64_t cause, std::uint64_t a = 0,
                           std::uint64_t b = 0) {
    TraceEvent event{.context = context, .kind = kind};
    event.record = {.cause = cause, .a = a, .b = b, .c = 0, .d = 0, .e = 0, .f = 0};
    return event;
}

// Addresses between which a step goes on by itself: the tracer hears of it when it has left them.
struct StepRange {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;

    [[nodiscard]] bool contains(std::uint64_t address) const { return address >= begin && address < end; }
};

}  // namespace halfcell::task
