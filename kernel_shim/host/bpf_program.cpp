#include "kernel_shim/host/bpf_program.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include <array>
#include <cstddef>

namespace halfcell::host {

namespace {

constexpr sock_filter load(std::uint32_t offset) {
    return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset);
}
constexpr sock_filter mask(std::uint32_t bits) {
    return BPF_STMT(BPF_ALU | BPF_AND | BPF_K, bits);
}
constexpr sock_filter answer(std::uint32_t action) {
    return BPF_STMT(BPF_RET | BPF_K, action);
}
// Jumps are relative to the next instruction.
constexpr sock_filter if_equal(std::uint32_t value, std::uint8_t then, std::uint8_t otherwise) {
    return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, then, otherwise);
}

constexpr std::uint32_t kNumber = offsetof(seccomp_data, nr);
constexpr std::uint32_t kArchitecture = offsetof(seccomp_data, arch);
constexpr std::uint32_t kPointerLow = offsetof(seccomp_data, instruction_pointer);
constexpr std::uint32_t kPointerHigh = kPointerLow + 4;
constexpr std::uint32_t kPageMask = 0xffff'f000;
// The upper half of every address in the vsyscall page, and of no address a guest can map.
constexpr std::uint32_t kVsyscallHigh = 0xffff'ffff;

constexpr std::uint32_t low(std::uint64_t value) {
    return static_cast<std::uint32_t>(value);
}
constexpr std::uint32_t high(std::uint64_t value) {
    return static_cast<std::uint32_t>(value >> 32);
}

// What stub.S executes: the agent's commands and reports, thread birth, and the two calls G allows.
constexpr std::array<std::uint32_t, 14> kAgentCalls = {
    SYS_futex,   SYS_write,   SYS_mmap,        SYS_munmap,      SYS_mprotect,     SYS_clone, SYS_prctl,
    SYS_getppid, SYS_seccomp, SYS_close_range, SYS_sigaltstack, SYS_rt_sigreturn, SYS_exit,  SYS_exit_group,
};

}  // namespace

std::vector<sock_filter> agent_filter(const StubSites& sites) {
    const auto count = static_cast<std::uint8_t>(kAgentCalls.size());
    // Behind the loads come `count` comparisons, then "notify", then "allow".
    std::vector<sock_filter> program = {
        load(kArchitecture),
        if_equal(AUDIT_ARCH_X86_64, 0, static_cast<std::uint8_t>(count + 6)),
        load(kPointerHigh),
        if_equal(high(sites.page), 0, static_cast<std::uint8_t>(count + 4)),
        load(kPointerLow),
        mask(kPageMask),
        if_equal(low(sites.page), 0, static_cast<std::uint8_t>(count + 1)),
        load(kNumber),
    };
    for (std::uint8_t i = 0; i < count; ++i)
        program.push_back(if_equal(kAgentCalls[i], static_cast<std::uint8_t>(count - i), 0));
    program.push_back(answer(SECCOMP_RET_USER_NOTIF));
    program.push_back(answer(SECCOMP_RET_ALLOW));
    return program;
}

std::vector<sock_filter> guest_filter(const StubSites& sites) {
    return {
        /* 0 */ load(kArchitecture),
        /* 1 */ if_equal(AUDIT_ARCH_X86_64, 0, 11),  // else 13
        /* 2 */ load(kPointerHigh),
        /* 3 */ if_equal(kVsyscallHigh, 9, 0),     // 13
        /* 4 */ if_equal(high(sites.page), 0, 7),  // else 12
        /* 5 */ load(kPointerLow),
        /* 6 */ if_equal(low(sites.after_sigreturn), 1, 0),  // 8
        /* 7 */ if_equal(low(sites.after_exit), 2, 4),       // 10, else 12
        /* 8 */ load(kNumber),
        /* 9 */ if_equal(SYS_rt_sigreturn, 4, 2),  // 14, else 12
        /* 10 */ load(kNumber),
        /* 11 */ if_equal(SYS_exit, 2, 0),  // 14, else 12
        /* 12 */ answer(SECCOMP_RET_USER_NOTIF),
        /* 13 */ answer(SECCOMP_RET_TRAP),
        /* 14 */ answer(SECCOMP_RET_ALLOW),
    };
}

}  // namespace halfcell::host
