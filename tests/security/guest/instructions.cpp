// Attacks by other ways into the kernel than the `syscall` instruction with a plain number.

#include "tests/security/guest/low_path.h"
#include "tests/security/guest/world.h"

namespace halfcell::attack {

namespace {

__asm__(
    ".globl attack_compat_code\n"
    "attack_compat_code:\n"
    ".code32\n"
    "    movl $8, %eax\n"
    "    movl $0644, %ecx\n"
    "    int $0x80\n"
    "    movl $1, %eax\n"
    "    xorl %ebx, %ebx\n"
    "    int $0x80\n"
    "    ud2\n"
    ".code64\n");

// PATH: creat by the gate of 32-bit programs.
int interrupt_gate() {
    constexpr Word kCreat32 = 8;
    Word result = kCreat32;
    __asm__ volatile("int $0x80"
                     : "+a"(result)
                     : "b"(static_cast<Word>(low_path())), "c"(Word{0644})
                     : "memory", "r8", "r9", "r10", "r11");
    return 0;
}

// PATH: the same from 32-bit code, entered by a far return.
int far_return() {
    alignas(16) static std::uint8_t stack[4096];
    const Word top = word(stack) + sizeof stack - 64;
    __asm__ volatile(
        "movq %1, %%rsp\n"
        "pushq $0x23\n"
        "pushq %2\n"
        "lretq\n"
        :
        : "b"(static_cast<Word>(low_path())), "r"(top), "r"(&attack_compat_code)
        : "memory");
    return 0;
}

// PATH: the same by `sysenter`, whose return address Linux takes from its own vDSO: the program does not live
// on.
int fast_entry() {
    alignas(16) static std::uint32_t stack[1024];
    constexpr Word kCreat32 = 8;
    __asm__ volatile(
        "movq %3, %%rsp\n"
        "movq %3, %%rbp\n"
        "sysenter\n"
        :
        : "a"(kCreat32), "b"(static_cast<Word>(low_path())), "c"(Word{0644}), "r"(&stack[512])
        : "memory");
    return 0;
}

// PATH: open by its number in the x32 table.
int x32_number() {
    constexpr Word kX32 = 0x4000'0000;
    constexpr Word kWriteCreate = 0101;
    call(kX32 | linux_call::kOpen, low_path(), kWriteCreate, 0644);
    return 0;
}

// time() in the vsyscall page, which Linux executes on behalf of the caller.
int vsyscall_page() {
    constexpr Word kTime = 0xffff'ffff'ff60'0400;
    const Word now = reinterpret_cast<Word (*)(Word*)>(kTime)(nullptr);
    if (!is_error(now) && now > 1'000'000'000) say_effect("Linux told the time");
    return 0;
}

constexpr Attack kAttacks[] = {
    {"interrupt-gate", interrupt_gate}, {"far-return", far_return},       {"fast-entry", fast_entry},
    {"x32-number", x32_number},         {"vsyscall-page", vsyscall_page},
};

}  // namespace

std::span<const Attack> instruction_attacks() {
    return kAttacks;
}

}  // namespace halfcell::attack
