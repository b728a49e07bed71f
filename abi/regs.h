#pragma once

// Register sets as they travel through regs/int, regs/float and regs/env handles.
// Source: redox_syscall 0.7.4, src/arch/x86_64.rs.

#include <cstddef>
#include <cstdint>

namespace halfcell::abi {

struct IntRegisters {
    std::uint64_t r15;
    std::uint64_t r14;
    std::uint64_t r13;
    std::uint64_t r12;
    std::uint64_t rbp;
    std::uint64_t rbx;
    std::uint64_t r11;
    std::uint64_t r10;
    std::uint64_t r9;
    std::uint64_t r8;
    std::uint64_t rax;
    std::uint64_t rcx;
    std::uint64_t rdx;
    std::uint64_t rsi;
    std::uint64_t rdi;
    std::uint64_t rip;
    std::uint64_t cs;
    std::uint64_t rflags;
    std::uint64_t rsp;
    std::uint64_t ss;
};

// The first 416 bytes of an fxsave image; each register of the stacks takes 16 bytes.
struct [[gnu::packed]] FloatRegisters {
    std::uint16_t fcw;
    std::uint16_t fsw;
    std::uint8_t ftw;
    std::uint8_t _reserved;
    std::uint16_t fop;
    std::uint64_t fip;
    std::uint64_t fdp;
    std::uint32_t mxcsr;
    std::uint32_t mxcsr_mask;
    std::uint8_t st_space[8][16];
    std::uint8_t xmm_space[16][16];
};

struct [[gnu::packed]] EnvRegisters {
    std::uint64_t fsbase;
    std::uint64_t gsbase;
};

// The CPU exception that stopped a context: vector, error code and, for a page fault, the address.
struct [[gnu::packed]] Exception {
    std::uint64_t kind;
    std::uint64_t code;
    std::uint64_t address;
};

}  // namespace halfcell::abi
