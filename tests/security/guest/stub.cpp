// Attacks through the one page of a guest that holds Linux code.

#include <cstring>

#include "kernel_shim/agent/protocol.h"
#include "tests/security/guest/stub_copy.h"

extern "C" {
extern const std::byte hc_stub_begin[], hc_stub_end[], hc_stub_restorer[];
}

namespace halfcell::attack {

namespace {

constinit Word sites[256]{};
constinit std::size_t site_count = 0;

}  // namespace

bool prepare_stub() {
    if (world().guest) return true;
    if (map_memory(HC_STUB_CODE, HC_STUB_CODE_SIZE, true) != HC_STUB_CODE) return false;
    if (map_memory(HC_STUB_TABLE, HC_STUB_TABLE_SIZE, false) != HC_STUB_TABLE) return false;
    if (map_memory(HC_COMMAND_PAGE, HC_COMMAND_PAGE_SIZE, false) != HC_COMMAND_PAGE) return false;
    std::memcpy(reinterpret_cast<void*>(HC_STUB_CODE), hc_stub_begin,
                static_cast<std::size_t>(hc_stub_end - hc_stub_begin));
    return true;
}

std::span<const Word> stub_syscall_sites() {
    const auto* const page = reinterpret_cast<const std::uint8_t*>(HC_STUB_CODE);
    site_count = 0;
    for (Word at = 0; at + 1 < HC_STUB_CODE_SIZE && site_count < 256; ++at)
        if (page[at] == 0x0f && page[at + 1] == 0x05) sites[site_count++] = HC_STUB_CODE + at;
    return {sites, site_count};
}

Word stub_restorer() {
    return HC_STUB_CODE + static_cast<Word>(hc_stub_restorer - hc_stub_begin);
}

namespace {

constinit const char kEscaped[] = "EFFECT written through the stub\n";

int count_sites() {
    if (!prepare_stub()) return 1;
    say_result("sites", stub_syscall_sites().size());
    return 0;
}

// SITE OPERATION [TARGET]: jumps to a syscall instruction with an agent's registers. Every register the code
// behind it uses holds what the agent would have there. Operations: write (to descriptor 1 of the
// supervisor), create (the file TARGET), kill (the process TARGET), command (the agent's own loop runs a
// batch of ours).
int jump_to_site() {
    if (!prepare_stub()) return 1;
    const Word site = number_argument(0);
    const std::string_view operation = text_argument(1);
    const auto all = stub_syscall_sites();
    if (site >= all.size()) return 2;
    // A page of commands of our own: the agent's loop, entered behind its checks, would run the second one
    // next.
    alignas(4096) static agent::CommandPage commands;
    commands.sequence = 1;
    commands.count = 2;
    commands.report = 1;
    commands.batch[0] = {.operation = linux_call::kWrite,
                         .arguments = {1, word(kEscaped), sizeof kEscaped - 1, 0, 0, 0}};
    commands.batch[1] = {.operation = linux_call::kExitGroup, .arguments = {0, 0, 0, 0, 0, 0}};
    alignas(16) static std::uint8_t stack[8192];
    Registers registers;
    registers.rsp = word(stack) + sizeof stack / 2;
    registers.r12 = 2;
    registers.r13 = word(&commands.batch[0]);
    registers.r14 = 1;
    registers.r15 = word(&commands);
    if (operation == "write") {
        registers.rax = linux_call::kWrite;
        registers.rdi = 1;
        registers.rsi = word(kEscaped);
        registers.rdx = sizeof kEscaped - 1;
    } else if (operation == "create") {
        registers.rax = linux_call::kOpen;
        registers.rdi = word(text_argument(2));
        registers.rsi = 0101;
        registers.rdx = 0644;
    } else if (operation == "kill") {
        registers.rax = linux_call::kKill;
        registers.rdi = number_argument(2);
        registers.rsi = 9;
    } else {
        return 3;
    }
    if (!world().guest) {
        // The copy goes on to wait like an agent: without a supervisor somebody must end it.
        constexpr Word kSoon[4] = {0, 0, 0, 20'000};
        call(linux_call::kSetitimer, 0, word(kSoon), 0);
    }
    jump(all[site], registers);
}

// The agent's loop entered where it takes up a batch, with a batch of ours.
int forge_batch() {
    if (!prepare_stub()) return 1;
    alignas(4096) static agent::CommandPage commands;
    commands.sequence = 1;
    commands.count = 2;
    commands.batch[0] = {.operation = linux_call::kWrite,
                         .arguments = {1, word(kEscaped), sizeof kEscaped - 1, 0, 0, 0}};
    commands.batch[1] = {.operation = linux_call::kExitGroup, .arguments = {0, 0, 0, 0, 0, 0}};
    // agent_batch starts with `mov r14d, eax`: found as the only place of these bytes.
    const auto* const page = reinterpret_cast<const std::uint8_t*>(HC_STUB_CODE);
    constexpr std::uint8_t kBatch[] = {0x41, 0x89, 0xc6};
    for (Word at = 0; at + sizeof kBatch <= HC_STUB_CODE_SIZE; ++at) {
        if (std::memcmp(page + at, kBatch, sizeof kBatch) != 0) continue;
        Registers registers;
        registers.rax = 1;
        registers.r15 = word(&commands);
        jump(HC_STUB_CODE + at, registers);
    }
    return 2;
}

constexpr Attack kAttacks[] = {
    {"stub-sites", count_sites},
    {"stub-jump", jump_to_site},
    {"stub-batch", forge_batch},
};

}  // namespace

std::span<const Attack> stub_attacks() {
    return kAttacks;
}

}  // namespace halfcell::attack
