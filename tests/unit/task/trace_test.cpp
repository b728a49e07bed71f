// Tracing sessions: attaching, every stop, steering, and whatever can end or take over a tracee meanwhile.

#include "tests/unit/task/trace_fixture.h"

namespace halfcell::task {
namespace {

using abi::PtraceFlags;

TEST_CASE_FIXTURE(TraceFixture,
                  "a new context stops before its first instruction, and only one may trace it") {
    const auto context = traced();
    const auto other = TraceSession::create({});
    CHECK(other->attach(context, true).error() == Errno::kEBUSY);
    CHECK(session->attach(context, true).error() == Errno::kEBUSY);
    CHECK(other->resume(context->id(), 0).error() == Errno::kESRCH);
    CHECK(session->stopped_at(context->id())->kind == StopKind::kAsked);
    session->detach(context->id());
    CHECK(other->attach(context, false));
    CHECK(session->registers(context->id()).error() == Errno::kESRCH);
    CHECK(other->registers(context->id()).error() == Errno::kEBUSY);
}

TEST_CASE_FIXTURE(TraceFixture,
                  "a call stops before and behind it, and its registers can be changed at both") {
    const auto context = traced();
    const auto id = context->id();
    machine::ThreadRegisters begin;
    begin.rip = 0x4000;
    begin.rdi = 5;
    begin.rflags = 0x246;
    REQUIRE(session->set_registers(id, begin));
    REQUIRE(session->resume(id, PtraceFlags::kPtraceStopPreSyscall | PtraceFlags::kPtraceStopPostSyscall));
    script->call(kPlainCall);
    const TraceEvent before = expect(StopKind::kPreSyscall);
    CHECK(before.record.cause == PtraceFlags::kPtraceStopPreSyscall);
    auto registers = *session->registers(id);
    CHECK(registers.rax == kPlainCall);
    CHECK(registers.rip == 0x4002);
    CHECK(registers.rcx == 0x4002);
    CHECK(registers.r11 == 0x246);
    CHECK(registers.rdi == 5);
    CHECK(calls.made == 0);
    registers.rdi = 6;
    REQUIRE(session->set_registers(id, registers));
    REQUIRE(session->resume(id, PtraceFlags::kPtraceStopPreSyscall | PtraceFlags::kPtraceStopPostSyscall));
    CHECK(expect(StopKind::kPostSyscall).record.cause == PtraceFlags::kPtraceStopPostSyscall);
    registers = *session->registers(id);
    CHECK(registers.rax == 1006);
    CHECK(registers.rip == 0x4002);
    CHECK(calls.made == 1);
    registers.rax = 77;
    REQUIRE(session->set_registers(id, registers));
    session->detach(id);
    // The next call is nobody's business.
    script->call(kPlainCall);
    CHECK(script->answer() == 1000);
}

TEST_CASE_FIXTURE(TraceFixture, "an ignored call is not made, and its result is the tracer's") {
    const auto context = traced();
    const auto id = context->id();
    REQUIRE(session->resume(id, PtraceFlags::kPtraceStopPreSyscall));
    script->call(kPlainCall);
    expect(StopKind::kPreSyscall);
    auto registers = *session->registers(id);
    registers.rax = 4711;
    REQUIRE(session->set_registers(id, registers));
    REQUIRE(session->resume(id, PtraceFlags::kPtraceFlagIgnore | PtraceFlags::kPtraceStopPostSyscall));
    expect(StopKind::kPostSyscall);
    CHECK(session->registers(id)->rax == 4711);
    CHECK(calls.made == 0);
}

TEST_CASE_FIXTURE(TraceFixture, "steps go one instruction or one call at a time") {
    const auto context = traced();
    const auto id = context->id();
    machine::ThreadRegisters begin;
    begin.rip = 0x4000;
    begin.rflags = 0x202;
    REQUIRE(session->set_registers(id, begin));
    for (std::uint64_t i = 1; i <= 100; ++i) {
        REQUIRE(session->resume(id, PtraceFlags::kPtraceStopSinglestep));
        CHECK(expect(StopKind::kSingleStep).record.cause == PtraceFlags::kPtraceStopSinglestep);
        CHECK(session->registers(id)->rip == 0x4000 + i);
        CHECK(session->registers(id)->rflags == 0x202);
    }
    script->call(kPlainCall);
    REQUIRE(session->resume(id, PtraceFlags::kPtraceStopSinglestep));
    expect(StopKind::kSingleStep);
    CHECK(calls.made == 1);
    const auto registers = *session->registers(id);
    CHECK(registers.rax == 1000);
    CHECK(registers.rip == 0x4000 + 102);
    CHECK(registers.r11 == 0x202);
}

TEST_CASE_FIXTURE(TraceFixture, "a step inside its range is not reported") {
    const auto context = traced();
    const auto id = context->id();
    machine::ThreadRegisters begin;
    begin.rip = 0x4000;
    REQUIRE(session->set_registers(id, begin));
    REQUIRE(session->resume(id, PtraceFlags::kPtraceStopSinglestep, StepRange{0x4000, 0x4040}));
    expect(StopKind::kSingleStep);
    CHECK(session->registers(id)->rip == 0x4040);
    CHECK_FALSE(session->event_waiting());
}

TEST_CASE_FIXTURE(TraceFixture, "int3 stops where it is asked for, and ends the context elsewhere") {
    const auto context = traced();
    const auto id = context->id();
    REQUIRE(session->resume(id, PtraceFlags::kPtraceStopBreakpoint));
    script->fault({.cause = machine::ParkTrap::Cause::kFault, .trap_number = 3});
    CHECK(expect(StopKind::kBreakpoint).exception.kind == 3);
    REQUIRE(session->resume(id, 0));
    script->fault({.cause = machine::ParkTrap::Cause::kFault, .trap_number = 3});
    expect(StopKind::kEnded);
    CHECK(context->status().first == abi::ContextStatus::kUnhandledExcp);
}

TEST_CASE_FIXTURE(TraceFixture, "a fault is shown to a debugger, and tried again or not as it says") {
    const auto context = traced();
    const auto id = context->id();
    REQUIRE(session->resume(id, StopFlags::kFault | PtraceFlags::kPtraceStopExit));
    script->fault({.cause = machine::ParkTrap::Cause::kFault,
                   .trap_number = 14,
                   .error_code = 4,
                   .fault_address = 0x10});
    CHECK(expect(StopKind::kFault).exception.address == 0x10);
    REQUIRE(session->resume(
        id, PtraceFlags::kPtraceFlagIgnore | StopFlags::kFault | PtraceFlags::kPtraceStopExit));
    script->fault({.cause = machine::ParkTrap::Cause::kFault, .trap_number = 14});
    expect(StopKind::kFault);
    REQUIRE(session->resume(id, PtraceFlags::kPtraceStopExit));
    const TraceEvent end = expect(StopKind::kExit);
    CHECK(end.record.a == 1 << 8);
    CHECK(end.exception.kind == 14);
    CHECK(session->registers(id));
    REQUIRE(session->resume(id, 0));
    expect(StopKind::kEnded);
    CHECK(session->wait(waiter).error() == Errno::kESRCH);
}

TEST_CASE_FIXTURE(TraceFixture, "an exit is shown with its status, and a second kill does not wait for it") {
    const auto context = traced();
    REQUIRE(session->resume(context->id(), PtraceFlags::kPtraceStopExit));
    script->call(kEndingCall);
    CHECK(expect(StopKind::kExit).record.a == 42 << 8);
    CHECK(context->state() != RunState::kDead);
    kernel.workers.kill(context, true);
    expect(StopKind::kEnded);
}

TEST_CASE_FIXTURE(TraceFixture, "a forced kill ends a tracee in every stop, and shows no exit") {
    const auto context = traced();
    const auto id = context->id();
    SUBCASE("asked") {}
    SUBCASE("in front of a call") {
        REQUIRE(session->resume(id, PtraceFlags::kPtraceStopPreSyscall | PtraceFlags::kPtraceStopExit));
        script->call(kPlainCall);
        expect(StopKind::kPreSyscall);
    }
    SUBCASE("behind a call") {
        REQUIRE(session->resume(id, PtraceFlags::kPtraceStopPostSyscall | PtraceFlags::kPtraceStopExit));
        script->call(kPlainCall);
        expect(StopKind::kPostSyscall);
    }
    SUBCASE("step") {
        REQUIRE(session->resume(id, PtraceFlags::kPtraceStopSinglestep | PtraceFlags::kPtraceStopExit));
        expect(StopKind::kSingleStep);
    }
    SUBCASE("breakpoint") {
        REQUIRE(session->resume(id, PtraceFlags::kPtraceStopBreakpoint | PtraceFlags::kPtraceStopExit));
        script->fault({.cause = machine::ParkTrap::Cause::kFault, .trap_number = 3});
        expect(StopKind::kBreakpoint);
    }
    kernel.workers.kill(context, true);
    expect(StopKind::kEnded);
    CHECK(session->tracees().empty());
}

TEST_CASE_FIXTURE(TraceFixture, "a tracee asleep in a call stops at once, and sleeps on when it is resumed") {
    const auto context = traced();
    const auto id = context->id();
    machine::ThreadRegisters begin;
    begin.rip = 0x4000;
    REQUIRE(session->set_registers(id, begin));
    std::uint64_t flags = 0;
    SUBCASE("not looking at calls") {}
    SUBCASE("looking at calls") {
        flags = PtraceFlags::kPtraceStopPreSyscall;
    }
    REQUIRE(session->resume(id, flags));
    script->call(kSleepingCall);
    if (flags != 0) {
        expect(StopKind::kPreSyscall);
        REQUIRE(session->resume(id, flags));
    }
    wait_asleep(*context);
    REQUIRE(session->stop(id));
    expect(StopKind::kAsked);
    const auto registers = *session->registers(id);
    CHECK(registers.rip == 0x4000);
    CHECK(registers.rax == kSleepingCall);
    REQUIRE(session->resume(id, flags));
    wait_asleep(*context);
    CHECK_FALSE(session->event_waiting());
    CHECK(calls.made == 2);
    REQUIRE(session->stop(id));
    expect(StopKind::kAsked);
    session->detach(id);
    wait_asleep(*context);
    context->waiter().notify();
    CHECK(script->answer() == 7);
}

TEST_CASE_FIXTURE(TraceFixture, "a stop that is taken back is not reported") {
    const auto context = traced();
    const auto id = context->id();
    REQUIRE(session->resume(id, 0));
    for (int i = 0; i < 1000; ++i) {
        REQUIRE(session->stop(id));
        REQUIRE(session->resume(id, 0));
        if (const auto event = session->take_event()) {
            CHECK(event->kind == StopKind::kAsked);
        }
        CHECK_FALSE(session->stopped_at(id));
    }
    script->call(kPlainCall);
    CHECK(script->answer() == 1000);
}

TEST_CASE_FIXTURE(TraceFixture, "closing the session lets a tracee run on from every stop") {
    const auto context = traced();
    const auto id = context->id();
    REQUIRE(session->resume(id, PtraceFlags::kPtraceStopPreSyscall));
    script->call(kPlainCall);
    expect(StopKind::kPreSyscall);
    session.reset();
    while (calls.made == 0)
        std::this_thread::yield();
    CHECK(context->tracee() == nullptr);
    script->call(kPlainCall);
    CHECK(script->answer() == 1000);
}

TEST_CASE_FIXTURE(TraceFixture, "children wait for a tracer until their maker is resumed") {
    const auto parent = traced();
    REQUIRE(session->resume(parent->id(), PtraceFlags::kPtraceEventClone));
    const auto child = create();
    announce_child(*parent, child, 12);
    const TraceEvent made = expect(StopKind::kClone);
    CHECK(made.record.cause == PtraceFlags::kPtraceEventClone);
    CHECK(made.record.a == 12);
    CHECK(made.child == child);
    CHECK_FALSE(made.stopped);
    start(child);
    while (!child->trace_stopped())
        std::this_thread::yield();
    CHECK_FALSE(session->event_waiting());
    SUBCASE("nobody attaches") {
        REQUIRE(session->resume(parent->id(), 0));
        CHECK(child->tracee() == nullptr);
        script->call(kPlainCall);
        CHECK(script->answer() == 1000);
    }
    SUBCASE("another session attaches") {
        const auto other = TraceSession::create({});
        REQUIRE(other->attach(child, true));
        REQUIRE(session->resume(parent->id(), 0));
        CHECK(expect_of(*other, StopKind::kAsked).context == child->id());
        CHECK(other->registers(child->id()));
        CHECK(session->find(child->id()) == nullptr);
    }
    SUBCASE("the same session attaches") {
        REQUIRE(session->attach(child, true));
        CHECK(expect(StopKind::kAsked).context == child->id());
        REQUIRE(session->resume(parent->id(), 0));
        CHECK(session->registers(child->id()));
    }
}

TEST_CASE_FIXTURE(TraceFixture, "a session that follows all has its tracees' children stopped") {
    session = TraceSession::create({.follow = TraceSession::Follow::kAll});
    const auto parent = traced();
    REQUIRE(session->resume(parent->id(), 0));
    const auto child = create();
    announce_child(*parent, child, 12);
    CHECK(expect(StopKind::kClone).child == child);
    start(child);
    CHECK(expect(StopKind::kAsked).context == child->id());
    CHECK(session->tracees().size() == 2);
}

TEST_CASE_FIXTURE(TraceFixture, "every event is announced") {
    std::atomic<int> announced{0};
    session = TraceSession::create({.on_event = [&](const TraceEvent&) { ++announced; }});
    const auto context = traced();
    // After the event is there to be taken.
    while (announced == 0)
        std::this_thread::yield();
    session->detach(context->id());
    CHECK(announced == 1);
}

TEST_CASE_FIXTURE(TraceFixture, "memory of a tracee is written whatever it allows itself") {
    const auto context = traced();
    const auto space = context->address_space();
    const std::uint64_t at = *space->map({.size = 4096, .protection = {.execute = true}}, {});
    std::array<std::byte, 2> bytes{std::byte{1}, std::byte{2}};
    CHECK(session->write_memory(context->id(), at + 4094, bytes));
    CHECK(session->write_memory(context->id(), at + 4095, bytes).error() == Errno::kEFAULT);
    std::array<std::byte, 2> read{};
    CHECK(session->read_memory(context->id(), at + 4094, read));
    CHECK(read[0] == std::byte{1});
    CHECK(read[1] == std::byte{1});
}

}  // namespace
}  // namespace halfcell::task
