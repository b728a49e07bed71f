#include "userland/conform/surroundings.h"

#include "userland/rt/output.h"
#include "userland/rt/process_state.h"

// The entry of this program. A first context comes with an empty stack pointer, and gets a stack and the
// arguments of a program that was started with none; the rest of the runtime need not know.
__asm__(
    "    .text\n"
    "    .globl halfcell_conform_entry\n"
    "halfcell_conform_entry:\n"
    "    testq %rsp, %rsp\n"
    "    jnz _start\n"
    "    movq $halfcell_conform_stack_top, %rsp\n"
    "    movb $1, halfcell_conform_booted\n"
    // From above: the ends of the auxiliary vector, of the environment and of argv, then argv[0] and argc.
    "    pushq $0\n    pushq $0\n    pushq $0\n    pushq $0\n"
    "    pushq $halfcell_conform_name\n"
    "    pushq $1\n"
    "    jmp _start\n"
    "    .section .rodata\n"
    "halfcell_conform_name: .asciz \"conform\"\n"
    "    .bss\n"
    "    .balign 16\n"
    "    .skip 65536\n"
    "halfcell_conform_stack_top:\n"
    "    .globl halfcell_conform_booted\n"
    "halfcell_conform_booted: .skip 1\n"
    "    .text\n");

extern "C" const bool halfcell_conform_booted;

namespace halfcell::userland::conform {

Surroundings surroundings() {
    return halfcell_conform_booted ? Surroundings::kBoot : Surroundings::kUserland;
}

uint64_t open_kernel(abi::GlobalSchemes scheme, std::string_view path, uint64_t flags) {
    if (surroundings() == Surroundings::kBoot)
        return openat(kTag | static_cast<uint64_t>(scheme), path, flags);
    return openat(word(process().name_space), concat("/scheme/", abi::scheme_name(scheme), "/", path), flags);
}

uint64_t own_thread() {
    if (surroundings() == Surroundings::kUserland) return word(process().thread);
    return dup(kAuthority, "cur-context");
}

uint64_t new_context() {
    if (surroundings() == Surroundings::kBoot) return dup(kAuthority, "new-context");
    return dup(word(process().process), "new-thread");
}

void end_boot_context() {
    constexpr auto kForceKill = static_cast<uint64_t>(abi::ContextVerb::kForceKill);
    const uint64_t status = dup(own_thread(), "status");
    for (;;)
        (void)write(status, &kForceKill, sizeof kForceKill);
}

}  // namespace halfcell::userland::conform
