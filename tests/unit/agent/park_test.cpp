// Stopping a thread, looking at it, changing it, and letting it go on; and what its own faults look like.

#include <cfenv>
#include <future>
#include <thread>

#include "tests/unit/agent/engine_fixture.h"

namespace halfcell::agent {

namespace {

using Cause = machine::ParkTrap::Cause;

constexpr std::uint64_t kTrapFlag = 0x100;
// Trap numbers of the hardware.
constexpr std::uint64_t kDivide = 0, kDebug = 1, kBreakpoint = 3, kUndefined = 6, kProtection = 13,
                        kPage = 14;

void run_on_at(machine::GuestThread& thread, const std::byte* entry) {
    auto registers = registers_of(thread);
    registers.rip = guest_address(entry);
    REQUIRE(thread.set_registers(registers));
    thread.resume();
}

}  // namespace

TEST_CASE("a running thread parks, shows its registers and runs on with new ones") {
    Guest guest;
    guest.data()[0] = 0x1122334455667788;
    guest.data()[1] = 42;
    auto start = start_at(guest_spin);
    start.rsp = 0x1230;  // no stack at all
    const auto thread = guest.start(start);
    auto worker = std::async(std::launch::async, [&] {
        expect_park(*thread, Cause::kRequested);
        auto registers = registers_of(*thread);
        CHECK(registers.rsp == 0x1230);
        CHECK(registers.rip >= guest_address(guest_spin));
        CHECK(registers.rip < guest_address(guest_bench));
        registers.rip = guest_address(guest_segments);
        registers.fs_base = kGuestData;
        registers.gs_base = kGuestData + 8;
        REQUIRE(thread->set_registers(registers));
        CHECK(registers_of(*thread).fs_base == kGuestData);
        thread->resume();
        const auto end = expect_end(*thread);
        CHECK(end.args[0] == 0x1122334455667788);
        CHECK(end.args[1] == 42);
    });
    thread->request_park();
    worker.get();
}

TEST_CASE("every register is read and written") {
    Guest guest;
    const auto thread = guest.start(start_at(guest_spin));
    thread->request_park();
    expect_park(*thread, Cause::kRequested);
    machine::ThreadRegisters out = registers_of(*thread);
    std::uint64_t value = 0x1111111111111111;
    for (auto* word : {&out.r8, &out.r9, &out.r10, &out.r11, &out.r12, &out.r13, &out.r14, &out.r15, &out.rdi,
                       &out.rsi, &out.rbp, &out.rbx, &out.rdx, &out.rax, &out.rcx, &out.rsp})
        *word = value += 0x0101010101010101;
    out.rip = guest_address(guest_spin);
    out.rflags = 0xad7;  // every arithmetic flag but DF, and interrupts on
    out.fs_base = 0x7000;
    out.gs_base = 0xffff'8000'0000'0000;
    REQUIRE(thread->set_registers(out));
    thread->resume();
    thread->request_park();
    expect_park(*thread, Cause::kRequested);
    machine::ThreadRegisters in = registers_of(*thread);
    CHECK(in.r12 >= out.r12);  // guest_spin counts in it and sets flags by it
    in.r12 = out.r12;
    CHECK(in.rip >= guest_address(guest_spin));
    CHECK(in.rip < guest_address(guest_bench));
    CHECK(in.r8 == out.r8);
    CHECK(in.r9 == out.r9);
    CHECK(in.r10 == out.r10);
    CHECK(in.r11 == out.r11);
    CHECK(in.r13 == out.r13);
    CHECK(in.r14 == out.r14);
    CHECK(in.r15 == out.r15);
    CHECK(in.rdi == out.rdi);
    CHECK(in.rsi == out.rsi);
    CHECK(in.rbp == out.rbp);
    CHECK(in.rbx == out.rbx);
    CHECK(in.rdx == out.rdx);
    CHECK(in.rax == out.rax);
    CHECK(in.rcx == out.rcx);
    CHECK(in.rsp == out.rsp);
    CHECK(in.fs_base == out.fs_base);
    CHECK(in.gs_base == out.gs_base);
}

TEST_CASE("a thread in a call parks after the answer and before its next instruction") {
    Guest guest;
    const auto thread = guest.start(start_at(guest_end));
    expect_end(*thread);
    thread->request_park();
    CHECK(thread->still_waiting());  // the signal does not take a received call back
    thread->reply(0x4242);
    expect_park(*thread, Cause::kRequested);
    auto registers = registers_of(*thread);
    CHECK(registers.rax == 0x4242);
    CHECK(registers.rip == guest_address(guest_end_after));
    // Back onto the syscall instruction: the same call once more, with another argument.
    registers.rip -= 2;
    registers.rax = kEndCall;
    registers.rdi = 99;
    REQUIRE(thread->set_registers(registers));
    thread->resume();
    CHECK(expect_end(*thread).args[0] == 99);
}

TEST_CASE("a call that was not received yet when the park came is made again after it") {
    Guest guest;
    const auto thread = guest.start(start_at(guest_end));
    for (int round = 0; round < 50; ++round) {
        expect_end(*thread);
        thread->reply(0);
        thread->request_park();
        // The park may come before the next call is made, while it waits to be received, or after its answer.
        const auto trap = thread->next();
        if (std::holds_alternative<machine::CallTrap>(trap)) {
            CHECK(std::get<machine::CallTrap>(trap).number == kEndCall);
            thread->reply(0);
            expect_park(*thread, Cause::kRequested);
        } else {
            REQUIRE(std::holds_alternative<machine::ParkTrap>(trap));
        }
        thread->resume();
    }
}

TEST_CASE("requests made before the thread has parked are one request") {
    Guest guest;
    const auto thread = guest.start(start_at(guest_end));
    expect_end(*thread);
    for (int i = 0; i < 10; ++i)
        thread->request_park();
    thread->reply(0);
    expect_park(*thread, Cause::kRequested);
    thread->resume();
    expect_end(*thread);
}

TEST_CASE("a request made while the thread is parked parks it again") {
    Guest guest;
    const auto thread = guest.start(start_at(guest_spin));
    thread->request_park();
    expect_park(*thread, Cause::kRequested);
    const auto registers = registers_of(*thread);
    thread->request_park();
    thread->resume();
    expect_park(*thread, Cause::kRequested);
    CHECK(registers_of(*thread).rip == registers.rip);
}

TEST_CASE("a store to an unmapped page is a fault, and succeeds once the page is there") {
    Guest guest;
    auto start = start_at(guest_store);
    start.rdi = 0x900008;
    start.rsi = 55;
    const auto thread = guest.start(start);
    const auto fault = expect_park(*thread, Cause::kFault);
    CHECK(fault.trap_number == kPage);
    CHECK(fault.error_code == 6);  // user, write, not present
    CHECK(fault.fault_address == 0x900008);
    CHECK(registers_of(*thread).rip == guest_address(guest_store));
    const auto memory = Guest::allocate(4096);
    REQUIRE(guest.machine().map({0x900000, 4096}, *memory, 0, {.write = true}, machine::Populate::kOnTouch));
    thread->resume();
    expect_end(*thread);
    std::uint64_t stored = 0;
    std::memcpy(&stored, memory->direct() + 8, 8);
    CHECK(stored == 55);
}

TEST_CASE("protection is what the machine was told last") {
    Guest guest;
    const auto memory = Guest::allocate(8192);
    REQUIRE(guest.machine().map({0x900000, 8192}, *memory, 0, {.write = true}, machine::Populate::kNow));
    REQUIRE(guest.machine().protect({0x900000, 4096}, {}));
    auto start = start_at(guest_store);
    start.rdi = 0x900000;
    start.rsi = 1;
    const auto thread = guest.start(start);
    CHECK(expect_park(*thread, Cause::kFault).error_code == 7);  // user, write, present
    REQUIRE(guest.machine().protect({0x900000, 4096}, {.write = true}));
    thread->resume();
    expect_end(*thread);
    REQUIRE(guest.machine().unmap({0x900000, 4096}));
    thread->request_park();
    thread->reply(0);
    expect_park(*thread, Cause::kRequested);
    run_on_at(*thread, guest_store);
    CHECK(expect_park(*thread, Cause::kFault).error_code == 6);
    auto registers = registers_of(*thread);
    registers.rdi = 0x901000;  // the other page is still there
    registers.rsi = 77;
    REQUIRE(thread->set_registers(registers));
    thread->resume();
    expect_end(*thread);
    std::uint64_t stored = 0;
    std::memcpy(&stored, memory->direct() + 4096, 8);
    CHECK(stored == 77);
}

TEST_CASE("machine commands report the host's refusal") {
    Guest guest;
    const auto memory = Guest::allocate(4096);
    for (const machine::PageRange range :
         {machine::PageRange{machine::kReservedBase, 4096},
          machine::PageRange{machine::kReservedEnd - 4096, 8192},
          machine::PageRange{machine::kReservedBase - 4096, 1 << 30}, machine::PageRange{0x1000, 0},
          machine::PageRange{0x1001, 4096}, machine::PageRange{machine::kHostUserEnd, 4096},
          machine::PageRange{0x1000, ~std::uint64_t{4095}}}) {
        CHECK(guest.machine().unmap(range).error() == Errno::kEINVAL);
        CHECK(guest.machine().protect(range, {}).error() == Errno::kEINVAL);
        CHECK(guest.machine().map(range, *memory, 0, {}, machine::Populate::kOnTouch).error() ==
              Errno::kEINVAL);
    }
    // Nothing is mapped there.
    CHECK(guest.machine().protect({0xa00000, 4096}, {}).error() == Errno::kENOMEM);
    // Holes are fine.
    CHECK(guest.machine().unmap({0xa00000, 1 << 20}));
    // Below vm.mmap_min_addr, unless the process may map everything.
    const auto low = guest.machine().map({0, 4096}, *memory, 0, {}, machine::Populate::kOnTouch);
    if (test_factory().lowest_mappable() > machine::kPageSize) CHECK(low.error() == Errno::kENOMEM);
    CHECK(guest.machine().map({machine::kHostUserEnd - 4096, 4096}, *memory, 0, {},
                              machine::Populate::kOnTouch));
}

TEST_CASE("faulting instructions report the hardware's trap") {
    Guest guest;
    const auto check = [&](const std::byte* entry, std::uint64_t trap, std::uint64_t rip) {
        const auto thread = guest.start(start_at(entry));
        CHECK(expect_park(*thread, Cause::kFault).trap_number == trap);
        if (rip != 0) CHECK(registers_of(*thread).rip == rip);
        run_on_at(*thread, guest_end);
        expect_end(*thread);
        thread->end();
    };
    check(guest_divide, kDivide, 0);
    check(guest_undefined, kUndefined, guest_address(guest_undefined));
    check(guest_breakpoint, kBreakpoint, guest_address(guest_breakpoint_at));
    check(guest_int80, kProtection, guest_address(guest_int80_at));
}

TEST_CASE("an address that is not canonical is a protection fault") {
    Guest guest;
    auto start = start_at(guest_load);
    start.rdi = 0x8000'0000'0000;
    const auto thread = guest.start(start);
    CHECK(expect_park(*thread, Cause::kFault).trap_number == kProtection);
    auto registers = registers_of(*thread);
    registers.rip = 0x8000'0000'0000;
    REQUIRE(thread->set_registers(registers));
    thread->resume();
    CHECK(expect_park(*thread, Cause::kFault).trap_number == kProtection);
    // The kernel's half.
    registers = registers_of(*thread);
    registers.rip = 0xffff'ffff'8000'0000;
    REQUIRE(thread->set_registers(registers));
    thread->resume();
    const auto fault = expect_park(*thread, Cause::kFault);
    CHECK(fault.trap_number == kPage);
    CHECK(fault.fault_address == 0xffff'ffff'8000'0000);
}

TEST_CASE("the vsyscall page is no way into Linux: calling it is a page fault") {
    Guest guest;
    auto start = start_at(guest_vsyscall);
    start.rsp = kGuestData + 0x1000;
    const auto thread = guest.start(start);
    const auto fault = expect_park(*thread, Cause::kFault);
    CHECK(fault.trap_number == kPage);
    CHECK(fault.fault_address == 0xffff'ffff'ff60'0400);
    const auto registers = registers_of(*thread);
    CHECK(registers.rip == 0xffff'ffff'ff60'0400);
    CHECK(registers.rsp == kGuestData + 0x0ff8);
}

TEST_CASE("a breakpoint that is taken away runs the instruction under it") {
    Guest guest;
    const auto code = Guest::allocate(4096);
    std::memcpy(code->direct(), guest_begin, 4096);
    REQUIRE(
        guest.machine().map({kGuestCode, 4096}, *code, 0, {.execute = true}, machine::Populate::kOnTouch));
    const auto thread = guest.start(start_at(guest_breakpoint));
    expect_park(*thread, Cause::kFault);
    code->direct()[guest_breakpoint_at - guest_begin] = std::byte{0x90};
    thread->resume();
    CHECK(expect_end(*thread).args[0] == 77);
}

TEST_CASE("the trap flag steps one instruction at a time") {
    Guest guest;
    auto start = start_at(guest_step);
    start.rflags |= kTrapFlag;
    const auto thread = guest.start(start);
    for (std::uint64_t step = 1; step <= 4; ++step) {
        CHECK(expect_park(*thread, Cause::kFault).trap_number == kDebug);
        auto registers = registers_of(*thread);
        CHECK(registers.rip == guest_address(guest_step) + 3 * step);
        CHECK(registers.r12 == step);
        CHECK((registers.rflags & kTrapFlag) != 0);
        if (step == 4) registers.rflags &= ~kTrapFlag;
        REQUIRE(thread->set_registers(registers));
        thread->resume();
    }
    expect_end(*thread);
}

TEST_CASE("float registers of a parked thread are read and written") {
    Guest guest;
    auto start = start_at(guest_spin);
    start.rsp = kGuestData + 0x1000;
    const auto thread = guest.start(start);
    thread->request_park();
    expect_park(*thread, Cause::kRequested);
    std::array<std::byte, 416> image{};
    REQUIRE(thread->read_float(image));
    std::uint16_t control = 0;
    std::memcpy(&control, image.data(), sizeof control);
    CHECK(control == 0x37f);
    const std::uint64_t low = 0xfeedfacecafebeef;
    std::memcpy(image.data() + 160, &low, sizeof low);
    control = 0x27f;
    std::memcpy(image.data(), &control, sizeof control);
    std::uint32_t mxcsr = 0xffff'1fa0;  // reserved bits set: they are dropped
    std::memcpy(image.data() + 24, &mxcsr, sizeof mxcsr);
    REQUIRE(thread->write_float(image));
    run_on_at(*thread, guest_float);
    const auto end = expect_end(*thread);
    CHECK(end.args[0] == low);
    CHECK(end.args[1] == 0x27f);
    CHECK(end.args[2] == 0x1fa0);
}

TEST_CASE("the upper halves of vector registers are read and written") {
    Guest guest;
    const auto thread = guest.start(start_at(guest_spin));
    thread->request_park();
    expect_park(*thread, Cause::kRequested);
    std::array<std::byte, 256> halves;
    halves.fill(std::byte{1});
    REQUIRE(thread->read_upper_halves(halves));
    CHECK(std::ranges::all_of(halves, [](std::byte byte) { return byte == std::byte{}; }));
    if (!__builtin_cpu_supports("avx")) {
        CHECK(thread->write_upper_halves(halves).error() == Errno::kEINVAL);
        return;
    }
    const std::uint64_t first = 0x1111222233334444;
    const std::uint64_t last = 0x5555666677778888;
    const std::uint64_t low = 0x9999aaaabbbbcccc;
    std::memcpy(&halves[0], &first, sizeof first);
    std::memcpy(&halves[15 * 16], &last, sizeof last);
    REQUIRE(thread->write_upper_halves(halves));
    std::array<std::byte, 416> image{};
    REQUIRE(thread->read_float(image));
    std::memcpy(&image[160 + 15 * 16], &low, sizeof low);
    REQUIRE(thread->write_float(image));
    run_on_at(*thread, guest_vectors);
    const auto end = expect_end(*thread);
    CHECK(end.args[0] == first);
    CHECK(end.args[1] == last);
    CHECK(end.args[2] == low);
}

TEST_CASE("registers of a thread that is not parked are EFAULT") {
    Guest guest;
    const auto thread = guest.start(start_at(guest_end));
    expect_end(*thread);
    CHECK(thread->registers().error() == Errno::kEFAULT);
    CHECK(thread->set_registers({}).error() == Errno::kEFAULT);
    thread->resume();  // nothing to resume: ignored
    CHECK(thread->still_waiting());
}

}  // namespace halfcell::agent
