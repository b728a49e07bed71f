// Attacks by a signal frame of the guest's own making, restored by the stub's rt_sigreturn.

#include "tests/security/guest/low_path.h"
#include "tests/security/guest/stub_copy.h"

namespace halfcell::attack {

namespace {

// What Linux restores: a ucontext, as rt_sigreturn finds it at rsp.
struct Frame {
    Word flags = 6;  // ss is meant
    Word link = 0;
    Word stack_base = 0, stack_flags = 2 /* none */, stack_size = 0;
    Word r8_to_r15[8]{};
    Word rdi = 0, rsi = 0, rbp = 0, rbx = 0, rdx = 0, rax = 0, rcx = 0, rsp = 0, rip = 0;
    Word rflags = 0x202;
    std::uint16_t cs = 0x33, gs = 0, fs = 0, ss = 0x2b;
    Word error = 0, trap = 0, old_mask = 0, cr2 = 0;
    Word float_state = 0;
    Word reserved[8]{};
    Word mask = 0;
};
static_assert(sizeof(Frame) == 304);

alignas(16) constinit std::uint8_t new_stack[16384]{};
constinit Frame forged{};

[[noreturn]] void restore(const Frame& frame) {
    forged = frame;
    if (!prepare_stub()) leave(1);
    Registers registers;
    registers.rsp = word(&forged);
    jump(stub_restorer(), registers);
}

Frame frame_for(void (*go_on)()) {
    Frame frame;
    frame.rip = reinterpret_cast<Word>(go_on);
    frame.rsp = word(new_stack) + sizeof new_stack - 8;
    return frame;
}

// PATH: 32-bit code by way of the code segment.
int frame_compat() {
    Frame frame;
    frame.cs = 0x23;
    frame.rip = word(attack_compat_code);
    frame.rsp = word(new_stack) + 4096;
    frame.rbx = low_path();
    restore(frame);
}

void spin() {
    say("masked\n");
    for (;;)
        __asm__ volatile("pause");
}

// Blocks every signal and never makes a call again.
int frame_masked() {
    Frame frame = frame_for(spin);
    frame.mask = ~Word{0};
    restore(frame);
}

void end_well() {
    say("still here\n");
    leave(7);
}

// Blocks every signal and ends like any program.
int frame_masked_end() {
    Frame frame = frame_for(end_well);
    frame.mask = ~Word{0};
    restore(frame);
}

void fault() {
    __asm__ volatile("movq %%rax, 8" ::: "memory");
}

// Blocks every signal, then faults: Linux ends the process without the handler.
int frame_masked_fault() {
    Frame frame = frame_for(fault);
    frame.mask = ~Word{0};
    restore(frame);
}

// The handler's stack moved into memory of the guest's own, then a fault: the stub reports a frame out of
// place.
int frame_moved_stack() {
    static std::uint8_t elsewhere[65536];
    Frame frame = frame_for(fault);
    frame.stack_base = word(elsewhere);
    frame.stack_flags = 0;
    frame.stack_size = sizeof elsewhere;
    restore(frame);
}

// Single steps from the first instruction on.
int frame_trap_flag() {
    Frame frame = frame_for(end_well);
    frame.rflags |= 0x100;
    restore(frame);
}

// A stack pointer that is no address; the next push faults, and the fault's own frame must not.
int frame_wild_stack() {
    Frame frame = frame_for(end_well);
    frame.rsp = 0x8000'0000'0000'0000;
    restore(frame);
}

// An instruction pointer that is no address.
int frame_wild_code() {
    Frame frame = frame_for(end_well);
    frame.rip = 0x8000'0000'0000'0000;
    restore(frame);
}

// Segments that do not exist.
int frame_wild_segments() {
    Frame frame = frame_for(end_well);
    frame.cs = 0x1235;
    frame.ss = 0xfff3;
    restore(frame);
}

// The frame itself where nothing is mapped.
int frame_unmapped() {
    if (!prepare_stub()) return 1;
    Registers registers;
    registers.rsp = 0x1000'0000'0000;
    jump(stub_restorer(), registers);
}

// I/O privilege level 3 and interrupts off.
void use_ports() {
    __asm__ volatile("cli");
    say_effect("interrupts are off");
    leave(0);
}
int frame_privilege() {
    Frame frame = frame_for(use_ports);
    frame.rflags = 0x3000;
    restore(frame);
}

constexpr Attack kAttacks[] = {
    {"frame-compat", frame_compat},
    {"frame-masked", frame_masked},
    {"frame-masked-end", frame_masked_end},
    {"frame-masked-fault", frame_masked_fault},
    {"frame-moved-stack", frame_moved_stack},
    {"frame-trap-flag", frame_trap_flag},
    {"frame-wild-stack", frame_wild_stack},
    {"frame-wild-code", frame_wild_code},
    {"frame-wild-segments", frame_wild_segments},
    {"frame-unmapped", frame_unmapped},
    {"frame-privilege", frame_privilege},
};

}  // namespace

std::span<const Attack> frame_attacks() {
    return kAttacks;
}

}  // namespace halfcell::attack
