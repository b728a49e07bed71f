#pragma once

// The signal frame in which a stopped guest thread's registers lie: Linux's layout, in memory the guest can
// write. It is copied once when the thread parks, checked, and written back whole when it goes on.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "kernel_shim/agent/protocol.h"
#include "kernel_shim/base/result.h"
#include "kernel_shim/machine/guest_thread.h"

namespace halfcell::agent {

// Linux's struct ucontext of x86-64 with the kernel's 64-bit signal mask.
struct SignalContext {
    std::uint64_t flags = 0;
    std::uint64_t link = 0;
    std::uint64_t stack_base = 0;
    std::uint32_t stack_flags = 0;
    std::uint32_t stack_padding = 0;
    std::uint64_t stack_size = 0;
    std::uint64_t r8 = 0, r9 = 0, r10 = 0, r11 = 0, r12 = 0, r13 = 0, r14 = 0, r15 = 0;
    std::uint64_t rdi = 0, rsi = 0, rbp = 0, rbx = 0, rdx = 0, rax = 0, rcx = 0, rsp = 0, rip = 0, rflags = 0;
    std::uint16_t cs = 0, gs = 0, fs = 0, ss = 0;
    std::uint64_t error_code = 0;
    std::uint64_t trap_number = 0;
    std::uint64_t old_mask = 0;
    std::uint64_t fault_address = 0;
    std::uint64_t float_state = 0;  // guest address, or 0
    std::uint64_t fs_base = 0;      // reserved words, filled by the stub
    std::uint64_t gs_base = 0;
    std::array<std::uint64_t, 6> reserved{};
    std::uint64_t mask = 0;
};
static_assert(sizeof(SignalContext) == 304);
static_assert(offsetof(SignalContext, fs_base) == HC_FRAME_FS_BASE);
static_assert(offsetof(SignalContext, gs_base) == HC_FRAME_GS_BASE);

// What the handler is told about a park.
inline constexpr std::uint64_t kAnswerResume = 0;
inline constexpr std::uint64_t kAnswerEnd = 1;

// One thread's alternate stack: where it lies in the guest, and the supervisor's view of the same bytes.
struct ThreadArea {
    std::uint64_t base = 0;  // guest address
    std::byte* bytes = nullptr;

    // The supervisor's view of `size` bytes at a guest address, nullptr where they leave the area.
    [[nodiscard]] std::byte* view(std::uint64_t address, std::uint64_t size) const {
        if (address < base || address - base > kThreadAreaSize) return nullptr;
        const std::uint64_t offset = address - base;
        return size <= kThreadAreaSize - offset ? bytes + offset : nullptr;
    }
};

class ThreadFrame {
  public:
    // Writes the frame from which a newborn thread starts into its area; the guest address of it.
    // EINVAL for segment bases that are not canonical.
    static Result<std::uint64_t> write_first(const ThreadArea& area,
                                             const machine::ThreadRegisters& registers);

    // Copies the frame at guest address `context` that belongs to signal `signal`. nullopt when the guest
    // lies: the frame is not inside the area.
    static std::optional<ThreadFrame> read(const ThreadArea& area, std::uint64_t context, int signal);

    // Whether the frame reports a fault, and which one in the hardware's terms.
    [[nodiscard]] machine::ParkTrap trap() const;

    [[nodiscard]] machine::ThreadRegisters registers() const;
    // EINVAL for segment bases that are not canonical.
    Result<void> set_registers(const machine::ThreadRegisters& registers);
    // Makes it the frame of a newborn thread, with an initial floating-point state. EINVAL as above.
    Result<void> start_over(const machine::ThreadRegisters& registers);
    void set_result(std::uint64_t rax) { context_.rax = rax; }

    // EFAULT when the guest has put the image elsewhere.
    Result<void> read_float(std::span<std::byte, 416> to) const;
    Result<void> write_float(std::span<const std::byte, 416> from);

    // The upper halves of the ymm registers. EFAULT as above; writing also EINVAL where the frame has no room
    // for them.
    Result<void> read_upper_halves(std::span<std::byte, 256> to) const;
    Result<void> write_upper_halves(std::span<const std::byte, 256> from);

    // Writes the frame back, with an empty signal mask and the alternate stack where it belongs.
    void store();

  private:
    ThreadFrame(const ThreadArea& area, std::byte* at, int signal) : area_(area), at_(at), signal_(signal) {}
    void translate_seccomp_signal();
    [[nodiscard]] std::byte* upper_halves() const;

    ThreadArea area_;
    std::byte* at_;
    int signal_;
    SignalContext context_;
};

}  // namespace halfcell::agent
