// Numbers, registers and results of the call instruction itself.

#include "userland/conform/areas.h"
#include "userland/conform/calls.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;

// Everything the instruction leaves behind, with a pattern in every register it must keep.
struct Left {
    uint64_t rax, rcx, r11, rdi, rsi, rdx, r8, r9, r10, rbx, after, flags;
};

Left call_and_look(uint64_t number) {
    Left left{};
    __asm__ volatile(
        "    movq %[number], %%rax\n"
        "    movq $0x11, %%rdi\n    movq $0x22, %%rsi\n    movq $0x33, %%rdx\n"
        "    movq $0x44, %%r8\n    movq $0x55, %%r9\n    movq $0x66, %%r10\n    movq $0x77, %%rbx\n"
        "    syscall\n"
        "1:  movq %%rax, 0(%[left])\n    movq %%rcx, 8(%[left])\n    movq %%r11, 16(%[left])\n"
        "    movq %%rdi, 24(%[left])\n    movq %%rsi, 32(%[left])\n    movq %%rdx, 40(%[left])\n"
        "    movq %%r8, 48(%[left])\n    movq %%r9, 56(%[left])\n    movq %%r10, 64(%[left])\n"
        "    movq %%rbx, 72(%[left])\n    leaq 1b(%%rip), %%rax\n    movq %%rax, 80(%[left])\n"
        "    pushfq\n    popq %%rax\n    movq %%rax, 88(%[left])\n"
        :
        : [number] "r"(number), [left] "r"(&left)
        : "rax", "rbx", "rcx", "rdx", "rdi", "rsi", "r8", "r9", "r10", "r11", "memory", "cc");
    return left;
}

constexpr Probe kProbes[] = {
    {"unknown-numbers", "kernel:src/syscall/mod.rs syscall",
     [] {
         EXPECT(sc(0), kENOSYS);
         EXPECT(sc(0x21000003), kENOSYS);
         EXPECT(sc(kAll), kENOSYS);
         EXPECT(sc(59), kENOSYS);
     }},
    {"mkns-is-gone", "kernel:src/syscall/mod.rs syscall", [] { EXPECT(sc(abi::SYS_MKNS, 0, 0), kENOSYS); }},
    {"upper-half-of-the-number", "kernel:src/syscall/mod.rs syscall",
     [] { EXPECT_DEVIATION(sc((uint64_t{1} << 32) | abi::SYS_YIELD), kENOSYS, 0); }, Deviation::kHost},
    {"unused-arguments", "kernel:src/syscall/mod.rs syscall", [] { EXPECT(sc(abi::SYS_YIELD, 1, 2, 3), 0); }},
    {"kept-registers", "kernel:src/arch/x86_64/interrupt/syscall.rs syscall_instruction",
     [] {
         const Left left = call_and_look(abi::SYS_YIELD);
         EXPECT(left.rax, 0);
         EXPECT(left.rdi, 0x11);
         EXPECT(left.rsi, 0x22);
         EXPECT(left.rdx, 0x33);
         EXPECT(left.r8, 0x44);
         EXPECT(left.r9, 0x55);
         EXPECT(left.r10, 0x66);
         EXPECT(left.rbx, 0x77);
     }},
    {"kept-registers-of-an-error", "kernel:src/arch/x86_64/interrupt/syscall.rs syscall_instruction",
     [] {
         const Left left = call_and_look(abi::SYS_CLOSE);
         EXPECT(left.rax, kEBADF);
         EXPECT(left.rsi, 0x22);
         EXPECT(left.r9, 0x55);
     }},
    {"clobbered-registers", "kernel:src/arch/x86_64/interrupt/syscall.rs syscall_instruction",
     [] {
         const Left left = call_and_look(abi::SYS_YIELD);
         EXPECT(left.rcx, left.after);
         EXPECT_TRUE((left.r11 & 0x200) != 0);
         EXPECT_TRUE((left.flags & 0x200) != 0);
     }},
    {"errors-fill-rax", "syscall:src/error.rs Error::mux",
     [] { EXPECT(sc(abi::SYS_CLOSE, kClosed), 0xFFFF'FFFF'FFFF'FFF7); }},
};

}  // namespace

Area number_area() {
    return {"numbers", "the call instruction: numbers, registers, results", kProbes};
}

}  // namespace halfcell::userland::conform
