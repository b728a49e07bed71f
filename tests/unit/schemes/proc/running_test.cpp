// Registers, stops and ends of contexts whose threads run; the threads are played by scripts.

#include <thread>

#include "abi/sigabi.h"
#include "tests/unit/schemes/proc/proc_fixture.h"

namespace halfcell::test {
namespace {

constexpr std::uint64_t kStop = 1;
constexpr std::uint64_t kUnstop = 2;
constexpr std::uint64_t kInterrupt = 3;
constexpr std::uint64_t kForceKill = UINT64_MAX;
constexpr std::uint32_t kCall = 1;

struct RunningFixture : ProcFixture {
    RunningFixture() { give_threads(); }

    // Waits until the context sleeps in a call.
    void wait_blocked(std::int64_t thread) {
        while (status(thread) != 1)
            std::this_thread::yield();
    }
    // A call that sleeps until it is interrupted and then answers `value`.
    void add_sleeping_call(std::uint64_t value) {
        calls.bodies[kCall] = [value](task::Context& context) {
            context.waiter().prepare({.reason = "test"});
            (void)context.waiter().sleep({});
            return value;
        };
    }
};

TEST_CASE_FIXTURE(RunningFixture, "start runs a context once, with the registers it was given") {
    const std::int64_t thread = dup(kAuthority, "new-context");
    const auto space = static_cast<std::uint64_t>(dup(thread, "addrspace"));
    write_to(thread, "current-addrspace", {space, 0x8000, 0x4000, 7});
    const std::int64_t start = dup(thread, "start");
    CHECK(write(start, "abc", 3) == 3);
    CHECK(write(start, "", 0) == error(Errno::kEINVAL));
    CHECK(status(thread) == 0);
    REQUIRE(script_count() == 1);
    CHECK(script(0).registers().rip == 0x4000);
    CHECK(script(0).registers().rsp == 0x8000);
    CHECK(script(0).registers().rsi == 7);
    CHECK(script(0).registers().rflags == 0x200);
    CHECK(write_to(thread, "status", {kForceKill}) == 8);
    script(0).wait_ended();
    kernel.workers.wait_all();
    CHECK(status(thread) == 4);
    CHECK(write(start, "", 0) == error(Errno::kEINVAL));
}

TEST_CASE_FIXTURE(RunningFixture, "a host without threads to give makes start fail and the context dead") {
    factory.prepare = nullptr;
    const std::int64_t thread = dup(kAuthority, "new-context");
    CHECK(write_to(thread, "start", {}) == error(Errno::kEAGAIN));
    CHECK(status(thread) == 3);
}

TEST_CASE_FIXTURE(RunningFixture, "registers of a running context are read and written while it is parked") {
    const std::int64_t thread = running_thread();
    ThreadScript& guest = script(0);
    machine::ThreadRegisters registers;
    registers.rip = 0x1234;
    registers.r12 = 12;
    registers.rflags = 0x246;
    guest.set_registers(registers);
    const std::int64_t ints = dup(thread, "regs/int");
    abi::IntRegisters wire{};
    CHECK(read(ints, &wire, sizeof wire) == 160);
    CHECK(wire.rip == 0x1234);
    CHECK(wire.r12 == 12);
    CHECK(wire.cs == 0x2b);
    CHECK(wire.rflags == 0x246);
    wire.rip = 0x5000;
    wire.rax = 99;
    wire.rflags = 0;
    CHECK(write(ints, &wire, sizeof wire) == 160);
    CHECK(guest.registers().rip == 0x5000);
    CHECK(guest.registers().rax == 99);
    CHECK(guest.registers().rflags == 0x202);
    CHECK(write_to(thread, "regs/env", {0x10, 0x20}) == 16);
    CHECK(guest.registers().fs_base == 0x10);
    CHECK(guest.registers().gs_base == 0x20);
    abi::EnvRegisters bases{};
    CHECK(read(dup(thread, "regs/env"), &bases, sizeof bases) == 16);
    CHECK(+bases.gsbase == 0x20);
    std::array<std::byte, 416> floats{};
    floats.fill(std::byte{0x11});
    const std::int64_t float_fd = dup(thread, "regs/float");
    CHECK(write(float_fd, floats.data(), floats.size()) == 416);
    floats.fill(std::byte{0});
    CHECK(read(float_fd, floats.data(), floats.size()) == 416);
    CHECK(floats[160] == std::byte{0x11});
    // Whoever comes before it runs on finds it parked already.
    CHECK(guest.parks() >= 1);
    CHECK(guest.parks() <= 6);
}

TEST_CASE_FIXTURE(RunningFixture,
                  "a stopped context stays parked, shows its registers and goes on when told") {
    const std::int64_t thread = running_thread();
    CHECK(privileged(thread, kStop) == 8);
    CHECK(status(thread) == 5);
    CHECK(script(0).parks() == 1);
    abi::IntRegisters wire{};
    const std::int64_t ints = dup(thread, "regs/int");
    CHECK(read(ints, &wire, sizeof wire) == 160);
    CHECK(read(ints, &wire, sizeof wire) == 160);
    CHECK(script(0).parks() == 1);
    calls.bodies[kCall] = [](task::Context&) { return 42; };
    script(0).call(kCall);
    CHECK(privileged(thread, kStop) == 8);
    CHECK(privileged(thread, kUnstop) == 8);
    CHECK(script(0).answer() == 42);
    CHECK(status(thread) == 0);
}

TEST_CASE_FIXTURE(RunningFixture, "a context stopped before its start is started by Unstop") {
    const std::int64_t thread = dup(kAuthority, "new-context");
    privileged(thread, kStop);
    CHECK(privileged(thread, kUnstop) == 8);
    CHECK(script_count() == 1);
    CHECK(status(thread) == 0);
    CHECK(privileged(thread, kUnstop) == 8);
    CHECK(script_count() == 1);
}

TEST_CASE_FIXTURE(RunningFixture, "Interrupt breaks a sleep, and a stopped sleeper's wait is lost") {
    add_sleeping_call(17);
    const std::int64_t thread = running_thread();
    script(0).call(kCall);
    wait_blocked(thread);
    CHECK(write_to(thread, "status", {kInterrupt}) == 8);
    CHECK(script(0).answer() == 17);
    CHECK(status(thread) == 0);
    script(0).call(kCall);
    wait_blocked(thread);
    CHECK(privileged(thread, kStop) == 8);
    CHECK(status(thread) == 5);
    CHECK(privileged(thread, kUnstop) == 8);
    CHECK(script(0).answer() == 17);
}

TEST_CASE_FIXTURE(RunningFixture, "manager-outside: Interrupt makes one that runs look at its signals") {
    constexpr std::uint64_t kHandler = 0x4000;
    constexpr std::uint64_t kPages = 0x10000;
    const std::int64_t thread = dup(kAuthority, "new-context");
    const std::uint64_t flags = abi::MapFlags::kProtWrite | abi::MapFlags::kMapFixed;
    REQUIRE(write_words(dup(thread, "addrspace"),
                        {abi::AddrspaceOp::kMmap, UINT64_MAX, 0, kPages, 0x2000, flags}) == kPages);
    REQUIRE(write_to(thread, "sighandler", {kHandler, 0, kPages, kPages + 0x1000}) == 32);
    REQUIRE(write_to(thread, "start", {}) == 0);
    const auto signals = kernel.contexts.all().back()->signals();
    auto* const control = signals->thread_control.structure<abi::Sigcontrol>();
    __atomic_store_n(&control->word[0], 1 | std::uint64_t{1} << 32, __ATOMIC_SEQ_CST);
    CHECK(write_to(thread, "status", {kInterrupt}) == 8);
    while (script(0).registers().rip != kHandler)
        std::this_thread::yield();
    CHECK(abi::load_relaxed(control->control_flags.value) == abi::SigcontrolFlags::kInhibitDelivery);
}

TEST_CASE_FIXTURE(RunningFixture,
                  "a sleeper shows no integer registers, and takes new ones when its call ends") {
    add_sleeping_call(17);
    const std::int64_t thread = running_thread();
    write_to(thread, "regs/env", {0x10, 0x20});
    script(0).call(kCall);
    wait_blocked(thread);
    abi::IntRegisters wire{};
    const std::int64_t ints = dup(thread, "regs/int");
    CHECK(read(ints, &wire, sizeof wire) == error(Errno::kEBUSY));
    abi::EnvRegisters bases{};
    CHECK(read(dup(thread, "regs/env"), &bases, sizeof bases) == 16);
    CHECK(+bases.fsbase == 0x10);
    wire.rip = 0x7000;
    wire.rax = 1;
    wire.r9 = 9;
    CHECK(write(ints, &wire, sizeof wire) == 160);
    CHECK(write_to(thread, "regs/env", {0x30, 0x40}) == 16);
    CHECK(script(0).registers().rip != 0x7000);
    write_to(thread, "status", {kInterrupt});
    CHECK(script(0).answer() == 17);
    const machine::ThreadRegisters registers = script(0).registers();
    CHECK(registers.rip == 0x7000);
    CHECK(registers.rcx == 0x7000);
    CHECK(registers.rax == 17);
    CHECK(registers.r9 == 9);
    CHECK(registers.fs_base == 0x30);
}

TEST_CASE_FIXTURE(RunningFixture, "a context changes its own segment bases before its call returns") {
    const std::int64_t thread = running_thread();
    const auto context = kernel.contexts.all().back();
    const auto proc_scheme = proc;
    const HandleNumber env = [&] {
        const std::int64_t fd = dup(thread, "regs/env");
        return (*caller_context->files()->find(FdNumber{static_cast<std::uint64_t>(fd)}))->number();
    }();
    calls.bodies[kCall] = [proc_scheme, env](task::Context& self_context) {
        const abi::EnvRegisters bases{0x1000, 0x2000};
        return mux(proc_scheme->write_at(self_context.caller(), env,
                                         mem::UserIn::local(std::as_bytes(std::span(&bases, 1))),
                                         scheme::kNoOffset, {}));
    };
    script(0).call(kCall);
    CHECK(script(0).answer() == 16);
    CHECK(script(0).registers().fs_base == 0x1000);
    CHECK(script(0).registers().gs_base == 0x2000);
    CHECK(script(0).registers().rax == 16);

    // A guest may also have changed them by instruction: the read shows what is there.
    auto registers = script(0).registers();
    registers.fs_base = 0x3333;
    script(0).set_registers(registers);
    const auto page = static_cast<std::uint64_t>(
        *context->address_space()->map({.size = 4096, .protection = {.write = true}}, {}));
    calls.bodies[kCall] = [proc_scheme, env, page](task::Context& self_context) {
        const auto out = mem::UserOut::create(*self_context.address_space(), page, 16);
        return mux(proc_scheme->read_at(self_context.caller(), env, *out, scheme::kNoOffset, {}));
    };
    script(0).call(kCall);
    CHECK(script(0).answer() == 16);
    abi::EnvRegisters seen{};
    REQUIRE(context->address_space()->read(page, std::as_writable_bytes(std::span(&seen, 1))));
    CHECK(+seen.fsbase == 0x3333);
    CHECK(+seen.gsbase == 0x2000);
}

TEST_CASE_FIXTURE(RunningFixture, "an address-space switch moves the context when its call is over") {
    const std::int64_t thread = running_thread();
    const auto context = kernel.contexts.all().back();
    const auto old_space = context->address_space();
    const std::int64_t other = dup(dup(thread, "addrspace"), "empty");
    const std::int64_t select = dup(thread, "current-addrspace");
    REQUIRE(write_words(select, {static_cast<std::uint64_t>(other), 0x8000, 0x4000, 5}) == 32);
    calls.bodies[kCall] = [&](task::Context&) {
        close(select);
        return 0;
    };
    auto registers = script(0).registers();
    registers.rbx = 3;
    script(0).set_registers(registers);
    script(0).call(kCall);
    script(0).wait_ended();
    while (script_count() < 2)
        std::this_thread::yield();
    CHECK(script(1).registers().rip == 0x4000);
    CHECK(script(1).registers().rsp == 0x8000);
    CHECK(script(1).registers().rsi == 5);
    CHECK(script(1).registers().rbx == 3);
    CHECK(script(1).registers().rax == 0);
    CHECK(context->address_space() != old_space);
    CHECK(status(thread) == 0);
}

TEST_CASE_FIXTURE(RunningFixture,
                  "exec-frees-its-thread: a space nobody else holds outlives the thread in it") {
    const std::int64_t thread = running_thread();
    const std::int64_t spaces = dup(thread, "addrspace");
    const std::int64_t other = dup(spaces, "empty");
    const std::int64_t select = dup(thread, "current-addrspace");
    REQUIRE(write_words(select, {static_cast<std::uint64_t>(other), 0x8000, 0x4000}) == 24);
    close(spaces);
    close(other);
    int machines_meanwhile = 0;
    factory.prepare = [&, give = factory.prepare](FakeMachine& machine) {
        machines_meanwhile = *factory.alive;
        give(machine);
    };
    REQUIRE(close(select) == 0);
    script(0).wait_ended();
    CHECK(script(1).registers().rip == 0x4000);
    CHECK(status(thread) == 0);
    CHECK(machines_meanwhile == 2);
}

TEST_CASE_FIXTURE(RunningFixture, "a fault ends one context, and its status tells which") {
    const std::int64_t thread = running_thread();
    const std::int64_t sibling = running_thread();
    script(0).fault({.cause = machine::ParkTrap::Cause::kFault,
                     .trap_number = 14,
                     .error_code = 0x14,
                     .fault_address = 0x1000});
    script(0).wait_ended();
    while (status(thread) != 6)
        std::this_thread::yield();
    const std::int64_t fd = dup(thread, "status");
    std::array<std::uint64_t, 4> words{};
    CHECK(read(fd, words.data(), 32) == 32);
    CHECK(words[0] == 6);
    CHECK(words[1] == 14);
    CHECK(words[2] == 0x14);
    CHECK(words[3] == 0x1000);
    CHECK(read(fd, words.data(), 20) == 20);
    CHECK(read(fd, words.data(), 7) == error(Errno::kEINVAL));
    CHECK(status(sibling) == 0);
}

TEST_CASE_FIXTURE(RunningFixture,
                  "ForceKill ends a sleeper, shows at once, and is told to the owner handle") {
    add_sleeping_call(0);
    const auto sink = std::make_shared<DescriptionSink>();
    const std::int64_t thread = running_thread();
    const auto file = *caller_context->files()->find(FdNumber{static_cast<std::uint64_t>(thread)});
    kernel.events.subscribe({SchemeId{9}, file->number()}, sink, {.id = 1, .flags = 1, .data = 5});
    script(0).call(kCall);
    wait_blocked(thread);
    CHECK(write_to(thread, "status", {kForceKill}) == 8);
    CHECK(status(thread) == 4);
    kernel.workers.wait_all();
    CHECK(sink->events.size() == 1);
    CHECK(status(thread) == 4);
}

TEST_CASE_FIXTURE(RunningFixture, "a thread the host has killed counts as killed") {
    const std::int64_t thread = running_thread();
    FakeThread(scripts[0], {}).end();
    kernel.workers.wait_all();
    CHECK(status(thread) == 4);
}

TEST_CASE_FIXTURE(RunningFixture, "power-off: port I/O by the first program ends every context") {
    using abi::ContextStatus;
    running_thread();
    const auto first = kernel.contexts.all().back();
    first->grant_port_io();
    running_thread();
    const auto sibling = kernel.contexts.all().back();
    dup(kAuthority, "new-context");
    const auto unstarted = kernel.contexts.all().back();
    script(0).fault({.cause = machine::ParkTrap::Cause::kFault, .trap_number = 13});
    kernel.workers.wait_all();
    CHECK(first->status().first == ContextStatus::kDead);
    CHECK(sibling->status().first == ContextStatus::kForceKilled);
    CHECK(unstarted->state() == task::RunState::kDead);
    CHECK(kernel.contexts.all().empty());
}

TEST_CASE_FIXTURE(RunningFixture, "port I/O under a process manager ends its own context only") {
    using abi::ContextStatus;
    running_thread();
    const auto context = kernel.contexts.all().back();
    context->set_attributes({.pid = 2});
    context->grant_port_io();
    const std::int64_t sibling = running_thread();
    script(0).fault({.cause = machine::ParkTrap::Cause::kFault, .trap_number = 13});
    while (context->status().first != ContextStatus::kDead)
        std::this_thread::yield();
    CHECK(status(sibling) == 0);
}

}  // namespace
}  // namespace halfcell::test
