#include "kernel_shim/host/bpf_program.h"

#include <doctest/doctest.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <optional>

namespace halfcell::host {

namespace {

constexpr StubSites kSites{0x7fff'e000'0000, 0x7fff'e000'0234, 0x7fff'e000'0240};

// The instructions a seccomp filter may hold, as far as ours use them. nullopt: the program is not valid.
std::optional<std::uint32_t> evaluate(const std::vector<sock_filter>& program, const seccomp_data& data) {
    std::uint32_t accumulator = 0;
    for (std::size_t at = 0; at < program.size(); ++at) {
        const sock_filter& step = program[at];
        switch (step.code) {
            case BPF_LD | BPF_W | BPF_ABS:
                if (step.k % 4 != 0 || step.k + 4 > sizeof data) return std::nullopt;
                std::memcpy(&accumulator, reinterpret_cast<const std::byte*>(&data) + step.k, 4);
                break;
            case BPF_ALU | BPF_AND | BPF_K:
                accumulator &= step.k;
                break;
            case BPF_JMP | BPF_JEQ | BPF_K:
                at += accumulator == step.k ? step.jt : step.jf;
                break;
            case BPF_RET | BPF_K:
                return step.k;
            default:
                return std::nullopt;
        }
    }
    return std::nullopt;
}

seccomp_data call(std::uint32_t number, std::uint64_t at, std::uint32_t architecture = AUDIT_ARCH_X86_64) {
    seccomp_data data{};
    data.nr = static_cast<int>(number);
    data.arch = architecture;
    data.instruction_pointer = at;
    for (auto& argument : data.args)
        argument = 0xa5a5a5a5a5a5a5a5;
    return data;
}

// Every jump lands inside the program, and every path ends in a return.
bool well_formed(const std::vector<sock_filter>& program) {
    for (std::size_t at = 0; at < program.size(); ++at) {
        const sock_filter& step = program[at];
        if (step.code == (BPF_JMP | BPF_JEQ | BPF_K) &&
            (at + 1 + step.jt >= program.size() || at + 1 + step.jf >= program.size()))
            return false;
    }
    return !program.empty() && program.back().code == (BPF_RET | BPF_K);
}

const std::array<std::uint64_t, 18> kPlaces = {0,
                                               2,
                                               0x400002,
                                               kSites.page - 1,
                                               kSites.page,
                                               kSites.page + 2,
                                               kSites.after_sigreturn - 1,
                                               kSites.after_sigreturn,
                                               kSites.after_sigreturn + 1,
                                               kSites.after_exit,
                                               kSites.page + 4095,
                                               kSites.page + 4096,
                                               kSites.after_sigreturn ^ (1ULL << 32),
                                               kSites.after_sigreturn & 0xffff'ffff,
                                               kSites.after_exit | (1ULL << 63),
                                               0xffff'ffff'ff60'0000,
                                               0xffff'ffff'ff60'0802,
                                               0x7fff'ffff'efff};

std::vector<std::uint32_t> numbers() {
    std::vector<std::uint32_t> list;
    for (std::uint32_t number = 0; number < 600; ++number) {
        list.push_back(number);
        list.push_back(number | 0x4000'0000);  // x32
        list.push_back(number | 0x2000'0000);  // Redox classes
        list.push_back(number | 0x8000'0000);
    }
    list.push_back(0xffff'ffff);
    list.push_back(0x7f00'0001);
    return list;
}

bool one_of(std::uint32_t number, std::initializer_list<std::uint32_t> list) {
    return std::find(list.begin(), list.end(), number) != list.end();
}

}  // namespace

TEST_CASE("the guest filter lets nothing through but two calls at their places") {
    const auto program = guest_filter(kSites);
    CHECK(well_formed(program));
    for (const std::uint64_t at : kPlaces) {
        for (const std::uint32_t number : numbers()) {
            const auto action = evaluate(program, call(number, at));
            REQUIRE(action);
            const bool allowed =
                (at == kSites.after_sigreturn && number == 15) || (at == kSites.after_exit && number == 60);
            const bool vsyscall = at >> 32 == 0xffff'ffff;
            const std::uint32_t expected = allowed    ? SECCOMP_RET_ALLOW
                                           : vsyscall ? SECCOMP_RET_TRAP
                                                      : SECCOMP_RET_USER_NOTIF;
            if (*action != expected) FAIL_CHECK("number " << number << " at " << at << " gives " << *action);
        }
    }
}

TEST_CASE("calls of another architecture never reach a guest's listener") {
    const auto program = guest_filter(kSites);
    for (const std::uint32_t architecture : {AUDIT_ARCH_I386 + 0U, AUDIT_ARCH_AARCH64 + 0U, 0U, ~0U})
        for (const std::uint64_t at : kPlaces)
            for (const std::uint32_t number : {1U, 15U, 60U, 0x4000000fU})
                CHECK(evaluate(program, call(number, at, architecture)) == SECCOMP_RET_TRAP);
}

TEST_CASE("the agent filter allows the stub's calls, from the stub's page only") {
    const auto program = agent_filter(kSites);
    CHECK(well_formed(program));
    for (const std::uint64_t at : kPlaces) {
        for (const std::uint32_t number : numbers()) {
            const auto action = evaluate(program, call(number, at));
            REQUIRE(action);
            const bool in_stub = at >= kSites.page && at < kSites.page + 4096;
            const bool allowed =
                in_stub && one_of(number, {1, 9, 10, 11, 15, 56, 60, 110, 131, 157, 202, 231, 317, 436});
            const std::uint32_t expected = allowed ? SECCOMP_RET_ALLOW : SECCOMP_RET_USER_NOTIF;
            if (*action != expected) FAIL_CHECK("number " << number << " at " << at << " gives " << *action);
        }
    }
    CHECK(evaluate(program, call(9, kSites.page, AUDIT_ARCH_I386)) == SECCOMP_RET_USER_NOTIF);
}

TEST_CASE("the evaluator tells a wrong program from a right one") {
    auto program = guest_filter(kSites);
    // As if sigreturn were allowed from everywhere: the check above must see it.
    program[6].jf = program[6].jt;
    CHECK(evaluate(program, call(15, kSites.page + 2)) == SECCOMP_RET_ALLOW);
    program.pop_back();
    CHECK_FALSE(well_formed(program));
}

}  // namespace halfcell::host
