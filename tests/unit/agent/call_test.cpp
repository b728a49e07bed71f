// Calls of a guest thread reach its worker with all they carry, and answers reach the thread whole.

#include <array>
#include <thread>

#include "tests/unit/agent/engine_fixture.h"

namespace halfcell::agent {

namespace {

struct Row {
    std::uint64_t rax;
    std::array<std::uint64_t, 6> args;
    std::uint64_t result;
};
static_assert(sizeof(Row) == 64);

}  // namespace

TEST_CASE("every number, Linux's own included, arrives with six arguments and gets its answer") {
    const std::array<std::uint64_t, 22> numbers = {
        0x21000004, 0x22000003, 0x2300ca11, 240, 158, 265, 125, 162, 155,        0,
        1,          9,          15,         56,  59,  60,  202, 231, 0xffffffff, 0xffffffffffffffff,
        0x40000009, 0x1ffffffff};
    Guest guest;
    guest.data()[0] = numbers.size();
    auto* const rows = reinterpret_cast<Row*>(guest.data() + 8);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        rows[i].rax = numbers[i];
        for (std::size_t j = 0; j < 6; ++j)
            rows[i].args[j] = 0xabcdef0000000000 + i * 16 + j;
    }
    auto registers = start_at(guest_calls);
    registers.rdi = kGuestData;
    const auto thread = guest.start(registers);
    const auto answer = [](std::size_t i) -> std::uint64_t {
        return i % 2 == 1 ? 0 - i : 0x7fff'1234'0000'0000 + i;
    };
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const machine::CallTrap call = expect_call(*thread);
        CHECK(call.number == static_cast<std::uint32_t>(numbers[i]));
        CHECK(call.args == rows[i].args);
        CHECK(thread->still_waiting());
        thread->reply(answer(i));
        CHECK_FALSE(thread->still_waiting());
    }
    expect_end(*thread);
    for (std::size_t i = 0; i < numbers.size(); ++i)
        CHECK(rows[i].result == answer(i));
}

TEST_CASE("values Linux would take for restart codes are values, even with a park under way") {
    Guest guest;
    const std::array<std::uint64_t, 5> values = {0 - 511UL, 0 - 512UL, 0 - 513UL, 0 - 514UL, 0 - 516UL};
    guest.data()[0] = values.size() * 2;
    auto* const rows = reinterpret_cast<Row*>(guest.data() + 8);
    for (std::size_t i = 0; i < values.size() * 2; ++i)
        rows[i].rax = 0x21000004;
    auto registers = start_at(guest_calls);
    registers.rdi = kGuestData;
    const auto thread = guest.start(registers);
    for (std::size_t i = 0; i < values.size() * 2; ++i) {
        expect_call(*thread);
        const bool parked = i % 2 == 1;
        if (parked) thread->request_park();
        thread->reply(values[i / 2]);
        if (!parked) continue;
        expect_park(*thread, machine::ParkTrap::Cause::kRequested);
        CHECK(registers_of(*thread).rax == values[i / 2]);
        thread->resume();
    }
    expect_end(*thread);
    for (std::size_t i = 0; i < values.size() * 2; ++i)
        CHECK(rows[i].result == values[i / 2]);
}

TEST_CASE("rcx and r11 hold what the syscall instruction leaves") {
    Guest guest;
    auto registers = start_at(guest_clobbered);
    registers.rflags = 0x246;
    const auto thread = guest.start(registers);
    const auto call = expect_call(*thread);
    CHECK(call.instruction_pointer == guest_address(guest_clobbered_after));
    thread->reply(0x1234567890abcdef);
    const auto end = expect_end(*thread);
    CHECK(end.args[0] == guest_address(guest_clobbered_after));
    CHECK(end.args[1] == 0x246);
    CHECK(end.args[2] == 0x1234567890abcdef);
}

TEST_CASE("a thread starts with the registers it was given") {
    Guest guest;
    guest.data()[0] = 0x1122334455667788;
    guest.data()[1] = 0x99aabbccddeeff00;
    auto registers = start_at(guest_segments);
    registers.fs_base = kGuestData;
    registers.gs_base = kGuestData + 8;
    registers.r8 = 8;
    registers.r9 = 9;
    registers.r10 = 10;
    registers.rdx = 2;
    const auto thread = guest.start(registers);
    const auto end = expect_end(*thread);
    CHECK(end.args == std::array<std::uint64_t, 6>{0x1122334455667788, 0x99aabbccddeeff00, 2, 10, 8, 9});
}

TEST_CASE("segment bases that no instruction can load are refused") {
    Guest guest;
    auto registers = start_at(guest_end);
    registers.fs_base = 0x8000'0000'0000;
    const auto thread = guest.machine().start_thread(registers);
    REQUIRE_FALSE(thread);
    CHECK(thread.error() == Errno::kEINVAL);
}

TEST_CASE("64 threads of one guest make calls at once and none is lost") {
    constexpr std::size_t kThreads = 64;
    constexpr std::uint64_t kCalls = 200;
    Guest guest;
    std::vector<std::thread> workers;
    std::vector<std::uint64_t> counts(kThreads);
    for (std::size_t i = 0; i < kThreads; ++i) {
        auto registers = start_at(guest_bench);
        registers.rbx = kCalls;
        registers.r13 = 0x21000000 + i;
        workers.emplace_back([&counts, i, thread = guest.start(registers)] {
            for (;;) {
                const auto trap = thread->next();
                const auto* call = std::get_if<machine::CallTrap>(&trap);
                if (call == nullptr || call->number != 0x21000000 + i) break;
                ++counts[i];
                thread->reply(0);
            }
            thread->end();
        });
    }
    for (auto& worker : workers)
        worker.join();
    for (const std::uint64_t count : counts)
        CHECK(count == kCalls);
}

}  // namespace halfcell::agent
