#include "kernel_shim/task/single_step.h"

#include <array>
#include <span>

namespace halfcell::task {

namespace {

constexpr std::uint64_t kTrapFlag = 0x100;
constexpr std::size_t kLongestInstruction = 15;

bool is_prefix(std::uint8_t byte) {
    const bool rex = byte >= 0x40 && byte <= 0x4f;
    const bool segment = byte == 0x26 || byte == 0x2e || byte == 0x36 || byte == 0x3e;
    return rex || segment || (byte >= 0x64 && byte <= 0x67) || byte == 0xf0 || byte == 0xf2 || byte == 0xf3;
}

}  // namespace

SingleStep::Effect SingleStep::effect_of_instruction(const mem::AddressSpace& space, std::uint64_t address) {
    constexpr std::uint8_t kPushFlags = 0x9c;
    constexpr std::uint8_t kPopFlags = 0x9d;
    constexpr std::uint8_t kInterruptReturn = 0xcf;
    for (std::size_t i = 0; i < kLongestInstruction; ++i) {
        std::array<std::byte, 1> byte{};
        if (!space.read(address + i, byte)) return Effect::kNone;
        const auto value = std::to_integer<std::uint8_t>(byte[0]);
        if (value == kPushFlags) return Effect::kStoresFlags;
        if (value == kPopFlags || value == kInterruptReturn) return Effect::kLoadsFlags;
        if (!is_prefix(value)) break;
    }
    return Effect::kNone;
}

Result<void> SingleStep::arm(machine::GuestThread& thread, const mem::AddressSpace& space) {
    machine::ThreadRegisters registers = TRY(thread.registers());
    flag_of_guest_ = (registers.rflags & kTrapFlag) != 0;
    effect_ = effect_of_instruction(space, registers.rip);
    registers.rflags |= kTrapFlag;
    TRY(thread.set_registers(registers));
    armed_ = true;
    return {};
}

Result<void> SingleStep::disarm(machine::GuestThread& thread, mem::AddressSpace& space, bool executed) {
    if (!armed_) return {};
    armed_ = false;
    if (flag_of_guest_ || (executed && effect_ == Effect::kLoadsFlags)) return {};
    machine::ThreadRegisters registers = TRY(thread.registers());
    registers.rflags &= ~kTrapFlag;
    TRY(thread.set_registers(registers));
    if (!executed || effect_ != Effect::kStoresFlags) return {};
    // The second byte of what was pushed, whatever its width.
    std::array<std::byte, 1> pushed{};
    const std::uint64_t at = registers.rsp + 1;
    if (!space.read(at, pushed)) return {};
    pushed[0] &= ~std::byte{kTrapFlag >> 8};
    // Another thread may have unmapped the stack meanwhile; then there is nothing to hide.
    (void)space.write(at, pushed);
    return {};
}

}  // namespace halfcell::task
