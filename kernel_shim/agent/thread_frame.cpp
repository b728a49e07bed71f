#include "kernel_shim/agent/thread_frame.h"

#include <cpuid.h>
#include <linux/audit.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <initializer_list>

#include "kernel_shim/agent/signal_mask.h"
#include "kernel_shim/base/check.h"

namespace halfcell::agent {

namespace {

// uc_flags that make the host take SS from the frame. Source: linux:arch/x86/include/uapi/asm/ucontext.h.
constexpr std::uint64_t kContextFlags = 0x2 | 0x4;
constexpr std::uint16_t kUserCode = 0x33;
constexpr std::uint16_t kUserStack = 0x2b;

constexpr std::uint64_t kTrapDebug = 1;
constexpr std::uint64_t kTrapBreakpoint = 3;
constexpr std::uint64_t kTrapUndefined = 6;
constexpr std::uint64_t kTrapGeneralProtection = 13;
constexpr std::uint64_t kTrapPage = 14;
constexpr std::uint64_t kTrapFloat = 16;
constexpr std::uint64_t kTrapAlignment = 17;

// Behind the ucontext in a signal frame stands the siginfo. For SIGSYS: code, call address, architecture.
struct SeccompInfo {
    std::int32_t signal, error, code, padding;
    std::uint64_t call_address;
    std::int32_t number;
    std::uint32_t architecture;
};
static_assert(sizeof(SeccompInfo) == 32);
constexpr std::uint64_t kSigInfoSize = 128;
constexpr std::int32_t kFromSeccomp = 1;  // SYS_SECCOMP; anything else was sent by a stranger

// The FXSAVE image and, behind it, the XSAVE header whose first word says which parts are in use.
constexpr std::uint64_t kFloatImageSize = 512;
constexpr std::uint64_t kFloatHeaderSize = 64;
constexpr std::uint64_t kMxcsrOffset = 24;
constexpr std::uint32_t kMxcsrBits = 0xffff;
// sw_reserved of the image: the first magic says that an XSAVE header follows.
constexpr std::uint64_t kMagicOffset = 464;
constexpr std::uint32_t kMagic = 0x46505853;
constexpr std::uint64_t kX87AndSse = 0x3;
// Then come the parts the host saves, as bits of XCR0.
constexpr std::uint64_t kFeaturesOffset = 472;
constexpr std::uint64_t kUpperHalves = 0x4;
constexpr unsigned kXsaveLeaf = 0xd;
constexpr unsigned kUpperHalvesLeaf = 2;

bool canonical(std::uint64_t address) {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(address << 16) >> 16) == address;
}

// The trap a signal stands for when the host sent it without one: the frame then says which trap the thread
// had last, maybe none. So it is with an unreadable frame in rt_sigreturn, and with the two numbers Linux
// lets through every filter (335 and 336, uretprobe and uprobe), which end in SIGILL wherever a guest makes
// them.
std::optional<std::uint64_t> trap_without_cause(int signal, std::uint64_t trap) {
    const auto unless = [trap](std::uint64_t fallback, std::initializer_list<std::uint64_t> possible) {
        const bool known = std::find(possible.begin(), possible.end(), trap) != possible.end();
        return known ? std::nullopt : std::optional(fallback);
    };
    switch (signal) {
        case SIGSEGV:
            return unless(kTrapGeneralProtection, {4, 5, 10, 11, 12, kTrapGeneralProtection, kTrapPage});
        case SIGILL:
            return unless(kTrapUndefined, {kTrapUndefined});
        case SIGBUS:
            return unless(kTrapAlignment, {11, 12, kTrapPage, kTrapAlignment});
        case SIGFPE:
            return unless(kTrapFloat, {0, kTrapFloat, 19});
        case SIGTRAP:
            return unless(kTrapDebug, {kTrapDebug, kTrapBreakpoint});
        default:
            return std::nullopt;
    }
}

// The stub loads these with instructions that fault on any other value, inside the handler, where a fault is
// the end of the whole process.
Result<void> check_bases(const machine::ThreadRegisters& registers) {
    if (!canonical(registers.fs_base) || !canonical(registers.gs_base)) return fail(Errno::kEINVAL);
    return {};
}

void copy_registers(SignalContext& to, const machine::ThreadRegisters& from) {
    to.r8 = from.r8;
    to.r9 = from.r9;
    to.r10 = from.r10;
    to.r11 = from.r11;
    to.r12 = from.r12;
    to.r13 = from.r13;
    to.r14 = from.r14;
    to.r15 = from.r15;
    to.rdi = from.rdi;
    to.rsi = from.rsi;
    to.rbp = from.rbp;
    to.rbx = from.rbx;
    to.rdx = from.rdx;
    to.rax = from.rax;
    to.rcx = from.rcx;
    to.rsp = from.rsp;
    to.rip = from.rip;
    to.rflags = from.rflags;
    to.fs_base = from.fs_base;
    to.gs_base = from.gs_base;
}

void settle(SignalContext& context, const ThreadArea& area) {
    context.stack_base = area.base;
    context.stack_flags = 0;
    context.stack_size = kThreadAreaSize;
    context.mask = 0;
}

SignalContext newborn(const ThreadArea& area, const machine::ThreadRegisters& registers) {
    SignalContext context;
    context.flags = kContextFlags;
    context.cs = kUserCode;
    context.ss = kUserStack;
    copy_registers(context, registers);
    settle(context, area);
    return context;
}

}  // namespace

Result<std::uint64_t> ThreadFrame::write_first(const ThreadArea& area,
                                               const machine::ThreadRegisters& registers) {
    TRY(check_bases(registers));
    const SignalContext context = newborn(area, registers);
    // At the top of the alternate stack, which nothing uses before the frame is restored.
    const std::uint64_t address = area.base + kThreadAreaSize - sizeof context;
    std::memcpy(area.view(address, sizeof context), &context, sizeof context);
    return address;
}

std::optional<ThreadFrame> ThreadFrame::read(const ThreadArea& area, std::uint64_t context, int signal) {
    std::byte* const at = area.view(context, sizeof(SignalContext) + kSigInfoSize);
    if (at == nullptr || context % alignof(SignalContext) != 0) return std::nullopt;
    ThreadFrame frame(area, at, signal);
    std::memcpy(&frame.context_, at, sizeof frame.context_);
    if (!canonical(frame.context_.fs_base) || !canonical(frame.context_.gs_base)) return std::nullopt;
    if (signal == SIGSYS) frame.translate_seccomp_signal();
    if (const auto trap = trap_without_cause(signal, frame.context_.trap_number)) {
        frame.context_.trap_number = *trap;
        frame.context_.error_code = 0;
        frame.context_.fault_address = 0;
    }
    // Redox moves rip back to the int3, so that whoever removes it can run on from there.
    // Source: kernel:src/arch/x86_shared/interrupt/exception.rs breakpoint.
    if (signal == SIGTRAP && frame.context_.trap_number == kTrapBreakpoint) --frame.context_.rip;
    return frame;
}

// Filter G has refused an instruction that is a system call on Linux and a fault on Redox: `int 0x80` hits a
// gate user code may not use, and the vsyscall page lies in the kernel's half.
void ThreadFrame::translate_seccomp_signal() {
    SeccompInfo info;
    std::memcpy(&info, at_ + sizeof(SignalContext), sizeof info);
    if (info.code != kFromSeccomp) return;
    if (info.architecture == AUDIT_ARCH_X86_64) {
        // The host has returned from the call; go back to its first instruction.
        context_.trap_number = kTrapPage;
        context_.error_code = 0x15;  // present, user, instruction fetch
        context_.fault_address = info.call_address;
        context_.rip = info.call_address;
        context_.rsp -= 8;
    } else {
        context_.trap_number = kTrapGeneralProtection;
        context_.error_code = (0x80U << 3) | 0x2;  // entry 0x80 of the interrupt table
        context_.fault_address = 0;
        context_.rip = info.call_address - 2;
    }
}

machine::ParkTrap ThreadFrame::trap() const {
    if (signal_ == kParkSignal) return {};
    return {.cause = machine::ParkTrap::Cause::kFault,
            .trap_number = context_.trap_number,
            .error_code = context_.error_code,
            .fault_address = context_.fault_address};
}

machine::ThreadRegisters ThreadFrame::registers() const {
    machine::ThreadRegisters out;
    out.r8 = context_.r8;
    out.r9 = context_.r9;
    out.r10 = context_.r10;
    out.r11 = context_.r11;
    out.r12 = context_.r12;
    out.r13 = context_.r13;
    out.r14 = context_.r14;
    out.r15 = context_.r15;
    out.rdi = context_.rdi;
    out.rsi = context_.rsi;
    out.rbp = context_.rbp;
    out.rbx = context_.rbx;
    out.rdx = context_.rdx;
    out.rax = context_.rax;
    out.rcx = context_.rcx;
    out.rsp = context_.rsp;
    out.rip = context_.rip;
    out.rflags = context_.rflags;
    out.fs_base = context_.fs_base;
    out.gs_base = context_.gs_base;
    return out;
}

Result<void> ThreadFrame::set_registers(const machine::ThreadRegisters& registers) {
    TRY(check_bases(registers));
    copy_registers(context_, registers);
    return {};
}

Result<void> ThreadFrame::start_over(const machine::ThreadRegisters& registers) {
    TRY(check_bases(registers));
    context_ = newborn(area_, registers);
    return {};
}

Result<void> ThreadFrame::read_float(std::span<std::byte, 416> to) const {
    const std::byte* image = area_.view(context_.float_state, kFloatImageSize);
    if (image == nullptr) return fail(Errno::kEFAULT);
    std::memcpy(to.data(), image, to.size());
    return {};
}

Result<void> ThreadFrame::write_float(std::span<const std::byte, 416> from) {
    std::byte* const image = area_.view(context_.float_state, kFloatImageSize + kFloatHeaderSize);
    if (image == nullptr) return fail(Errno::kEFAULT);
    std::memcpy(image, from.data(), from.size());
    // Reserved bits of MXCSR would make the host refuse the frame.
    std::uint32_t mxcsr = 0;
    std::memcpy(&mxcsr, image + kMxcsrOffset, sizeof mxcsr);
    mxcsr &= kMxcsrBits;
    std::memcpy(image + kMxcsrOffset, &mxcsr, sizeof mxcsr);
    std::uint32_t magic = 0;
    std::memcpy(&magic, image + kMagicOffset, sizeof magic);
    if (magic != kMagic) return {};
    // A part whose bit is clear would be reset instead of loaded.
    std::uint64_t parts = 0;
    std::memcpy(&parts, image + kFloatImageSize, sizeof parts);
    parts |= kX87AndSse;
    std::memcpy(image + kFloatImageSize, &parts, sizeof parts);
    return {};
}

// The host saves in the standard format, in which the place of a part is the same for every thread: null
// where the frame has no such part.
std::byte* ThreadFrame::upper_halves() const {
    const std::byte* const image = area_.view(context_.float_state, kFloatImageSize);
    if (image == nullptr) return nullptr;
    std::uint32_t magic = 0;
    std::uint64_t features = 0;
    std::memcpy(&magic, image + kMagicOffset, sizeof magic);
    std::memcpy(&features, image + kFeaturesOffset, sizeof features);
    if (magic != kMagic || (features & kUpperHalves) == 0) return nullptr;
    unsigned size = 0;
    unsigned offset = 0;
    unsigned unused = 0;
    if (__get_cpuid_count(kXsaveLeaf, kUpperHalvesLeaf, &size, &offset, &unused, &unused) == 0)
        return nullptr;
    return area_.view(context_.float_state + offset, size);
}

Result<void> ThreadFrame::read_upper_halves(std::span<std::byte, 256> to) const {
    std::ranges::fill(to, std::byte{});
    const std::byte* const header = area_.view(context_.float_state, kFloatImageSize + kFloatHeaderSize);
    if (header == nullptr) return fail(Errno::kEFAULT);
    const std::byte* const halves = upper_halves();
    std::uint64_t parts = 0;
    std::memcpy(&parts, header + kFloatImageSize, sizeof parts);
    if (halves != nullptr && (parts & kUpperHalves) != 0) std::memcpy(to.data(), halves, to.size());
    return {};
}

Result<void> ThreadFrame::write_upper_halves(std::span<const std::byte, 256> from) {
    std::byte* const header = area_.view(context_.float_state, kFloatImageSize + kFloatHeaderSize);
    if (header == nullptr) return fail(Errno::kEFAULT);
    std::byte* const halves = upper_halves();
    if (halves == nullptr) return fail(Errno::kEINVAL);
    std::memcpy(halves, from.data(), from.size());
    std::uint64_t parts = 0;
    std::memcpy(&parts, header + kFloatImageSize, sizeof parts);
    parts |= kUpperHalves;
    std::memcpy(header + kFloatImageSize, &parts, sizeof parts);
    return {};
}

void ThreadFrame::store() {
    settle(context_, area_);
    std::memcpy(at_, &context_, sizeof context_);
}

}  // namespace halfcell::agent
