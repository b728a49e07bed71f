#pragma once

// One guest thread as its worker sees it: it runs until it traps, then waits for an answer.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include "kernel_shim/base/result.h"

namespace halfcell::machine {

// The general registers, instruction pointer, flags and segment bases of a stopped thread.
struct ThreadRegisters {
    std::uint64_t r8 = 0, r9 = 0, r10 = 0, r11 = 0, r12 = 0, r13 = 0, r14 = 0, r15 = 0;
    std::uint64_t rdi = 0, rsi = 0, rbp = 0, rbx = 0, rdx = 0, rax = 0, rcx = 0, rsp = 0, rip = 0;
    std::uint64_t rflags = 0x202;
    std::uint64_t fs_base = 0, gs_base = 0;
};

// The thread executed `syscall`. Only the low 32 bits of rax reach us.
struct CallTrap {
    std::uint32_t number = 0;
    std::array<std::uint64_t, 6> args{};
    std::uint64_t instruction_pointer = 0;
};

// The thread is stopped in the stub's handler: on request, or because of a fault.
struct ParkTrap {
    enum class Cause { kRequested, kFault };
    Cause cause = Cause::kRequested;
    // For kFault: the hardware's trap number, error code and CR2, as Redox's Exception has them.
    std::uint64_t trap_number = 0;
    std::uint64_t error_code = 0;
    std::uint64_t fault_address = 0;
};

// The thread no longer exists.
struct Gone {};

using Trap = std::variant<CallTrap, ParkTrap, Gone>;

class GuestThread {
  public:
    virtual ~GuestThread() = default;

    // Waits for the thread's next trap. Blocks; only the thread's worker may call it. Returns Gone once the
    // thread (or its process) has ended, for ever after.
    virtual Trap next() = 0;

    // Answers a CallTrap: `value` goes to rax and the thread runs on. A thread that vanished meanwhile shows
    // as Gone at the next `next()`. The worker, or one thread in its place while it waits in next(): before
    // that returns a trap for another reason the worker makes sure that nobody is at it.
    virtual void reply(std::uint64_t value) = 0;

    // True while the thread still waits for the answer to the trap last returned. Any thread.
    [[nodiscard]] virtual bool still_waiting() const = 0;

    // Makes the thread park: at once when it runs guest code, right after the reply when it is in a call.
    // Any thread; does not wait.
    virtual void request_park() = 0;

    // Registers of a parked thread (between a ParkTrap and resume). EFAULT when the guest has destroyed the
    // frame they live in; the caller then kills the context. Worker only.
    virtual Result<ThreadRegisters> registers() const = 0;
    virtual Result<void> set_registers(const ThreadRegisters& registers) = 0;

    // The FXSAVE image (first 416 bytes) of a parked thread. Worker only.
    virtual Result<void> read_float(std::span<std::byte, 416> to) const = 0;
    virtual Result<void> write_float(std::span<const std::byte, 416> from) = 0;

    // The upper halves of ymm0 to ymm15 of a parked thread; zeros where the CPU has none, or they are unused.
    // Writing: EINVAL where the CPU has none. Worker only.
    virtual Result<void> read_upper_halves(std::span<std::byte, 256> to) const = 0;
    virtual Result<void> write_upper_halves(std::span<const std::byte, 256> from) = 0;

    // Lets a parked thread run on with its registers. Worker only.
    virtual void resume() = 0;

    // Ends this thread alone; works in every state, parked or in a call or running (then by parking first).
    // One that next() was never called for ends without a step. The next `next()` returns Gone. Worker only.
    virtual void end() = 0;
};

}  // namespace halfcell::machine
