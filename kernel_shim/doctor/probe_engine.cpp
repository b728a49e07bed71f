#include <array>
#include <chrono>
#include <cstring>
#include <string>
#include <variant>

#include "kernel_shim/agent/agent_machine.h"
#include "kernel_shim/doctor/probes.h"
#include "kernel_shim/host/memory_pool.h"

namespace halfcell::doctor {

namespace {

constexpr std::uint64_t kCode = 0x400000;
constexpr std::uint32_t kCall = 0x7ead'beef;

// mov eax, kCall; syscall; jmp back
constexpr std::array<unsigned char, 9> kProgram = {0xb8, 0xef, 0xbe, 0xad, 0x7e, 0x0f, 0x05, 0xeb, 0xf7};

struct Steps {
    std::string reached = "starting the zygote";
    Errno error{};
};

Result<bool> run_guest(Steps& steps) {
    const auto factory = TRY(agent::create_machine_factory());
    const auto pool = TRY(host::create_memory_pool({}));
    steps.reached = "making a process";
    const auto machine = TRY(factory->create());
    steps.reached = "mapping its code";
    const auto code = TRY(pool->allocate(machine::kPageSize));
    std::memcpy(code->direct(), kProgram.data(), kProgram.size());
    TRY(machine->map({kCode, machine::kPageSize}, *code, 0, {.execute = true}, machine::Populate::kOnTouch));
    steps.reached = "starting its thread";
    machine::ThreadRegisters registers;
    registers.rip = kCode;
    const auto thread = TRY(machine->start_thread(registers));
    steps.reached = "receiving its calls";
    for (int i = 0; i < 2; ++i) {
        const machine::Trap trap = thread->next();
        const auto* call = std::get_if<machine::CallTrap>(&trap);
        if (call == nullptr || call->number != kCall) return false;
        thread->reply(0);
    }
    steps.reached = "ending its thread";
    thread->end();
    return true;
}

}  // namespace

void probe_engine(Findings& findings) {
    Steps steps;
    const auto start = std::chrono::steady_clock::now();
    const auto done = run_guest(steps);
    const auto elapsed = std::chrono::steady_clock::now() - start;
    Finding finding{.feature = "engine"};
    if (done && *done) {
        const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(elapsed).count();
        finding.tried =
            "a guest was started, made two calls and ended, in " + std::to_string(microseconds) + " us";
    } else {
        finding.verdict = Verdict::kMissing;
        finding.tried = steps.reached;
        if (!done) finding.tried += std::string(": ") + abi::errno_name(done.error());
        finding.advice = "see the lines above; where all are ok, this is a bug of halfcell worth reporting";
    }
    findings.push_back(finding);
}

}  // namespace halfcell::doctor
