#pragma once

// Guests for the engine's tests: a machine with test code mapped, threads started in it by entry name, and
// one page of data both sides see.

#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "kernel_shim/agent/agent_machine.h"
#include "kernel_shim/host/cpu.h"
#include "kernel_shim/host/memory_pool.h"
#include "kernel_shim/machine/machine.h"

extern "C" {
extern const std::byte guest_begin[], guest_code_end[];
extern const std::byte guest_calls[], guest_end[], guest_end_after[], guest_clobbered[],
    guest_clobbered_after[], guest_call_then_spin[], guest_spin[], guest_bench[], guest_step[],
    guest_breakpoint[], guest_breakpoint_at[], guest_segments[], guest_store[], guest_store_after[],
    guest_load[], guest_divide[], guest_undefined[], guest_jump[], guest_int80[], guest_int80_at[],
    guest_vsyscall[], guest_vsyscall_after[], guest_float[], guest_vectors[];
}

namespace halfcell::agent {

inline constexpr std::uint64_t kGuestCode = 0x400000;
inline constexpr std::uint64_t kGuestData = 0x500000;
inline constexpr std::uint64_t kGuestDataSize = 0x4000;
inline constexpr std::uint32_t kEndCall = 0x7e000000;

inline std::uint64_t guest_address(const std::byte* entry) {
    return kGuestCode + static_cast<std::uint64_t>(entry - guest_begin);
}

// Entry point and the registers that matter to it.
inline machine::ThreadRegisters start_at(const std::byte* entry) {
    machine::ThreadRegisters registers;
    registers.rip = guest_address(entry);
    return registers;
}

// Those of the test program before any thread of it was pinned.
inline const std::vector<int> kTestCpus = host::allowed_cpus();

// One factory per test program: its zygote must be forked by the main thread.
inline machine::MachineFactory& test_factory() {
    static const auto factory = [] {
        auto made = create_machine_factory();
        REQUIRE_MESSAGE(made, "no machine factory: error " << (made ? 0 : static_cast<int>(made.error())));
        return std::move(*made);
    }();
    return *factory;
}

inline machine::Pool& test_pool() {
    static const auto pool = [] {
        auto made = host::create_memory_pool({.window = std::uint64_t{1} << 34});
        REQUIRE(made);
        return std::move(*made);
    }();
    return *pool;
}

class Guest {
  public:
    Guest() {
        auto made = test_factory().create();
        REQUIRE_MESSAGE(made, "no machine: error " << (made ? 0 : static_cast<int>(made.error())));
        machine_ = std::move(*made);
        code_ = allocate(4096);
        const auto size = static_cast<std::size_t>(guest_code_end - guest_begin);
        std::memcpy(code_->direct(), guest_begin, size);
        data_ = allocate(kGuestDataSize);
        REQUIRE(machine_->map({kGuestCode, 4096}, *code_, 0, {.execute = true}, machine::Populate::kOnTouch));
        REQUIRE(
            machine_->map({kGuestData, kGuestDataSize}, *data_, 0, {.write = true}, machine::Populate::kNow));
    }

    static machine::MemoryRef allocate(std::uint64_t size) {
        auto slice = test_pool().allocate(size);
        REQUIRE(slice);
        return *slice;
    }

    [[nodiscard]] machine::Machine& machine() { return *machine_; }
    [[nodiscard]] std::uint64_t* data() { return reinterpret_cast<std::uint64_t*>(data_->direct()); }

    std::unique_ptr<machine::GuestThread> start(const machine::ThreadRegisters& registers) {
        auto thread = machine_->start_thread(registers);
        REQUIRE_MESSAGE(thread, "no thread: error " << (thread ? 0 : static_cast<int>(thread.error())));
        return std::move(*thread);
    }

    // Gives the machine up, as if its address space had gone.
    void drop_machine() { machine_.reset(); }

  private:
    machine::MemoryRef code_;
    machine::MemoryRef data_;
    std::unique_ptr<machine::Machine> machine_;
};

// The next trap, which must be a call.
inline machine::CallTrap expect_call(machine::GuestThread& thread) {
    const machine::Trap trap = thread.next();
    REQUIRE_MESSAGE(std::holds_alternative<machine::CallTrap>(trap), "trap of kind " << trap.index());
    return std::get<machine::CallTrap>(trap);
}

inline machine::CallTrap expect_end(machine::GuestThread& thread) {
    const machine::CallTrap call = expect_call(thread);
    REQUIRE(call.number == kEndCall);
    return call;
}

inline machine::ParkTrap expect_park(machine::GuestThread& thread, machine::ParkTrap::Cause cause) {
    const machine::Trap trap = thread.next();
    REQUIRE_MESSAGE(std::holds_alternative<machine::ParkTrap>(trap), "trap of kind " << trap.index());
    const auto park = std::get<machine::ParkTrap>(trap);
    REQUIRE(park.cause == cause);
    return park;
}

inline bool is_gone(const machine::Trap& trap) {
    return std::holds_alternative<machine::Gone>(trap);
}

inline machine::ThreadRegisters registers_of(const machine::GuestThread& thread) {
    const auto registers = thread.registers();
    REQUIRE(registers);
    return *registers;
}

}  // namespace halfcell::agent
