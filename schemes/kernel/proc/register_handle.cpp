#include "schemes/kernel/proc/register_handle.h"

#include <cstring>

#include "abi/regs.h"
#include "schemes/kernel/proc/register_access.h"

namespace halfcell::schemes::proc {

namespace {

constexpr std::uint64_t kUserCodeSelector = 0x2b;
constexpr std::uint64_t kUserDataSelector = 0x23;
// CF PF AF ZF SF TF DF OF. Source: kernel:src/arch/x86_64/interrupt/handler.rs load.
constexpr std::uint64_t kWritableFlags = 0xdd5;

abi::IntRegisters to_wire(const machine::ThreadRegisters& from) {
    return {.r15 = from.r15,
            .r14 = from.r14,
            .r13 = from.r13,
            .r12 = from.r12,
            .rbp = from.rbp,
            .rbx = from.rbx,
            .r11 = from.r11,
            .r10 = from.r10,
            .r9 = from.r9,
            .r8 = from.r8,
            .rax = from.rax,
            .rcx = from.rcx,
            .rdx = from.rdx,
            .rsi = from.rsi,
            .rdi = from.rdi,
            .rip = from.rip,
            .cs = kUserCodeSelector,
            .rflags = from.rflags,
            .rsp = from.rsp,
            .ss = kUserDataSelector};
}

void load(machine::ThreadRegisters& to, const abi::IntRegisters& from) {
    to.r15 = from.r15;
    to.r14 = from.r14;
    to.r13 = from.r13;
    to.r12 = from.r12;
    to.rbp = from.rbp;
    to.rbx = from.rbx;
    to.r11 = from.r11;
    to.r10 = from.r10;
    to.r9 = from.r9;
    to.r8 = from.r8;
    to.rax = from.rax;
    to.rcx = from.rcx;
    to.rdx = from.rdx;
    to.rsi = from.rsi;
    to.rdi = from.rdi;
    to.rip = from.rip;
    to.rsp = from.rsp;
    to.rflags = (to.rflags & ~kWritableFlags) | (from.rflags & kWritableFlags);
}

Result<abi::IntRegisters> take_integers(const task::ParkedThread& parked) {
    machine::ThreadRegisters registers = TRY(parked.thread.registers());
    // The frame of a call still holds its number where the result will go.
    if (parked.returned_from) registers.rax = *parked.returned_from;
    return to_wire(registers);
}

Result<task::FloatImage> take_floats(const task::ParkedThread& parked) {
    task::FloatImage image{};
    TRY(parked.thread.read_float(image));
    return image;
}

Result<abi::EnvRegisters> take_bases(const task::ParkedThread& parked) {
    const machine::ThreadRegisters registers = TRY(parked.thread.registers());
    return abi::EnvRegisters{registers.fs_base, registers.gs_base};
}

// The reserved byte and the upper parts of the x87 registers are not shown.
// Source: kernel:src/context/arch/x86_64.rs get_fx_regs.
task::FloatImage shown(task::FloatImage image) {
    constexpr std::size_t kRegisterCount = 8;
    constexpr std::size_t kRegisterRoom = 16;
    constexpr std::size_t kRegisterSize = 10;
    image[offsetof(abi::FloatRegisters, _reserved)] = std::byte{0};
    for (std::size_t i = 0; i < kRegisterCount; ++i)
        std::memset(&image[offsetof(abi::FloatRegisters, st_space) + i * kRegisterRoom + kRegisterSize], 0,
                    kRegisterRoom - kRegisterSize);
    return image;
}

// The hardware refuses a whole image for one reserved bit in mxcsr.
task::FloatImage loadable(task::FloatImage image) {
    constexpr std::uint32_t kDefinedBits = 0xffff;
    std::uint32_t mxcsr = 0;
    std::byte* const field = &image[offsetof(abi::FloatRegisters, mxcsr)];
    std::memcpy(&mxcsr, field, sizeof mxcsr);
    mxcsr &= kDefinedBits;
    std::memcpy(field, &mxcsr, sizeof mxcsr);
    return image;
}

Result<task::FloatImage> take_shown_floats(const task::ParkedThread& parked) {
    return shown(TRY(take_floats(parked)));
}

// One whose upper 17 bits are equal.
bool canonical(std::uint64_t address) {
    const std::uint64_t upper = address >> 47;
    return upper == 0 || upper == 0x1ffff;
}

}  // namespace

Result<std::uint64_t> IntRegisterHandle::read(const scheme::Caller& caller, const mem::UserOut& to,
                                              std::uint64_t) {
    task::Context& context = *target_.context;
    if (context.state() == task::RunState::kDead) return fail(Errno::kENOTRECOVERABLE);
    const abi::IntRegisters stored = to_wire(context.initial_registers());
    if (registers_stored(context)) return to.write_common(std::as_bytes(std::span(&stored, 1)));
    const auto count = read_parked(caller, context, to, stored, &take_integers);
    if (!count && count.error() == Errno::kESRCH) return fail(Errno::kENOTRECOVERABLE);
    return count;
}

Result<std::uint64_t> IntRegisterHandle::write(const scheme::Caller& caller, const mem::UserIn& from) {
    const auto wire = TRY(from.read_exact<abi::IntRegisters>());
    task::Context& context = *target_.context;
    if (context.state() == task::RunState::kDead) return fail(Errno::kENOTRECOVERABLE);
    if (registers_stored(context)) {
        machine::ThreadRegisters registers = context.initial_registers();
        load(registers, wire);
        context.set_initial_registers(registers);
        return sizeof wire;
    }
    const auto changed = change_parked(caller, context, [wire](const task::ParkedThread& parked) {
        auto registers = parked.thread.registers();
        if (!registers) return;
        const std::uint64_t result = registers->rax;
        load(*registers, wire);
        if (parked.returned_from) {
            // A call's return leaves its own marks.
            registers->rax = result;
            registers->rcx = registers->rip;
            registers->r11 = registers->rflags;
        }
        (void)parked.thread.set_registers(*registers);
    });
    if (!changed && changed.error() == Errno::kESRCH) return fail(Errno::kENOTRECOVERABLE);
    if (!changed) return fail(changed.error());
    return sizeof wire;
}

Result<std::uint64_t> FloatRegisterHandle::read(const scheme::Caller& caller, const mem::UserOut& to,
                                                std::uint64_t) {
    task::Context& context = *target_.context;
    const task::FloatImage stored = shown(context.float_image());
    if (!registers_stored(context)) {
        const auto count = read_parked(caller, context, to, stored, &take_shown_floats);
        if (count || (count.error() != Errno::kESRCH && count.error() != Errno::kEBUSY)) return count;
    }
    return to.write_common(stored);
}

Result<std::uint64_t> FloatRegisterHandle::write(const scheme::Caller& caller, const mem::UserIn& from) {
    const auto image = TRY(from.read_exact<task::FloatImage>());
    task::Context& context = *target_.context;
    context.set_float_image(image);
    if (!registers_stored(context)) {
        const auto changed =
            change_parked(caller, context, [image = loadable(image)](const task::ParkedThread& parked) {
                (void)parked.thread.write_float(image);
            });
        if (!changed && changed.error() != Errno::kESRCH) return fail(changed.error());
    }
    return sizeof image;
}

Result<std::uint64_t> EnvRegisterHandle::read(const scheme::Caller& caller, const mem::UserOut& to,
                                              std::uint64_t) {
    task::Context& context = *target_.context;
    const machine::ThreadRegisters registers = context.initial_registers();
    const abi::EnvRegisters stored{registers.fs_base, registers.gs_base};
    if (!registers_stored(context)) {
        const auto count = read_parked(caller, context, to, stored, &take_bases);
        if (count || (count.error() != Errno::kESRCH && count.error() != Errno::kEBUSY)) return count;
    }
    return to.write_common(std::as_bytes(std::span(&stored, 1)));
}

Result<std::uint64_t> EnvRegisterHandle::write(const scheme::Caller& caller, const mem::UserIn& from) {
    const auto wire = TRY(from.read_exact<abi::EnvRegisters>());
    if (!canonical(wire.fsbase) || !canonical(wire.gsbase)) return fail(Errno::kEINVAL);
    task::Context& context = *target_.context;
    context.set_segment_bases(wire.fsbase, wire.gsbase);
    if (!registers_stored(context)) {
        const auto changed = change_parked(caller, context, [wire](const task::ParkedThread& parked) {
            auto registers = parked.thread.registers();
            if (!registers) return;
            registers->fs_base = wire.fsbase;
            registers->gs_base = wire.gsbase;
            (void)parked.thread.set_registers(*registers);
        });
        if (!changed && changed.error() != Errno::kESRCH) return fail(changed.error());
    }
    return sizeof wire;
}

}  // namespace halfcell::schemes::proc
