// The trace and mem handles of kernel.proc. The stops themselves: tests/unit/task/trace_test.cpp.

#include <thread>

#include "abi/ptrace.h"
#include "tests/unit/schemes/proc/proc_fixture.h"

namespace halfcell::test {
namespace {

using Stop = abi::PtraceFlags;

constexpr std::uint32_t kTracedCall = 3;

struct TraceHandleFixture : ProcFixture {
    TraceHandleFixture() {
        give_threads();
        calls.bodies[kTracedCall] = [](task::Context&) { return 17; };
    }
    std::int64_t read_event(std::int64_t trace, abi::PtraceEvent& event) {
        return read(trace, &event, sizeof event);
    }
    std::int64_t read_nonblocking(std::int64_t trace) {
        abi::PtraceEvent event{};
        const auto file = *caller_context->files()->find(FdNumber{static_cast<std::uint64_t>(trace)});
        const auto out = mem::UserOut::local(std::as_writable_bytes(std::span(&event, 1)));
        return static_cast<std::int64_t>(mux(proc->read_at(caller(), file->number(), out, scheme::kNoOffset,
                                                           {.call = abi::OpenFlags::kNonblock})));
    }
    std::uint64_t ready(std::int64_t trace) {
        const auto file = *caller_context->files()->find(FdNumber{static_cast<std::uint64_t>(trace)});
        return *proc->fevent(caller(), file->number(), abi::EventFlags::kEventRead);
    }
};

TEST_CASE_FIXTURE(TraceHandleFixture, "events are read, and a write resumes with the next breakpoints") {
    const std::int64_t thread = running_thread();
    const std::int64_t trace = dup(thread, "trace");
    CHECK(read_nonblocking(trace) == error(Errno::kEAGAIN));
    CHECK(ready(trace) == abi::EventFlags::kEventNone);
    CHECK(write_words(trace, {Stop::kPtraceStopPreSyscall}) == 8);
    script(0).call(kTracedCall);
    abi::PtraceEvent event{};
    CHECK(read_event(trace, event) == sizeof event);
    CHECK(event.cause == Stop::kPtraceStopPreSyscall);
    // It is stopped, and there is no more to tell.
    CHECK(read_event(trace, event) == 0);
    const std::int64_t registers = dup(thread, "regs/int");
    abi::IntRegisters wire{};
    CHECK(read(registers, &wire, sizeof wire) == 160);
    CHECK(wire.rax == kTracedCall);
    CHECK(write_words(trace, {Stop::kPtraceStopPostSyscall}) == 8);
    CHECK(read_event(trace, event) == sizeof event);
    CHECK(event.cause == Stop::kPtraceStopPostSyscall);
    CHECK(read(registers, &wire, sizeof wire) == 160);
    CHECK(wire.rax == 17);
    CHECK(write_words(trace, {0}) == 8);
    CHECK(write_to(thread, "status", {UINT64_MAX}) == 8);
    script(0).wait_ended();
    CHECK(read_event(trace, event) == error(Errno::kESRCH));
    CHECK(ready(trace) == abi::EventFlags::kEventRead);
    CHECK(write_words(trace, {0}) == error(Errno::kESRCH));
}

TEST_CASE_FIXTURE(TraceHandleFixture, "what a trace handle does not take") {
    const std::int64_t thread = running_thread();
    const std::int64_t trace = dup(thread, "trace");
    CHECK(dup(thread, "trace") == error(Errno::kEBUSY));
    CHECK(dup(thread, "trace-trunc-excl") == error(Errno::kEINVAL));
    CHECK(dup(thread, "tracer") == error(Errno::kEINVAL));
    CHECK(dup(self, "trace") == error(Errno::kEPERM));
    CHECK(write_words(trace, {0x10000}) == error(Errno::kEINVAL));
    CHECK(write(trace, "1234567", 7) == error(Errno::kEINVAL));
    std::array<std::byte, 55> little{};
    CHECK(read(trace, little.data(), little.size()) == error(Errno::kEINVAL));
    CHECK(dup(trace, "trace") == error(Errno::kEINVAL));
    CHECK(close(trace) == 0);
    const std::int64_t again = dup(thread, "trace-trunc");
    abi::PtraceEvent event{};
    CHECK(read_event(again, event) == 0);
}

TEST_CASE_FIXTURE(TraceHandleFixture, "closing an exclusive handle ends the tracee, another lets it go") {
    const std::int64_t thread = running_thread();
    const std::int64_t trace = dup(thread, "trace-trunc");
    abi::PtraceEvent event{};
    CHECK(read_event(trace, event) == 0);
    CHECK(close(trace) == 0);
    script(0).call(kTracedCall);
    CHECK(script(0).answer() == 17);
    CHECK(close(dup(thread, "trace-excl-trunc")) == 0);
    script(0).wait_ended();
    kernel.workers.wait_all();
    CHECK(status(thread) == 4);
}

TEST_CASE_FIXTURE(TraceHandleFixture, "memory is read and written at its own addresses, up to a hole") {
    const std::int64_t space = dup(self, "addrspace");
    REQUIRE(space >= 0);
    const std::int64_t base = anonymous(0x2000, false);
    REQUIRE(base > 0);
    const std::int64_t memory = dup(self, "mem");
    const auto file = *caller_context->files()->find(FdNumber{static_cast<std::uint64_t>(memory)});
    file->advance(static_cast<std::uint64_t>(base) + 0x1ffc);
    CHECK(write(memory, "abcdefgh", 8) == 4);
    std::array<char, 8> bytes{};
    CHECK(caller_context->address_space()->read(static_cast<std::uint64_t>(base) + 0x1ffc,
                                                std::as_writable_bytes(std::span(bytes)).first(4)));
    CHECK(std::string_view(bytes.data(), 4) == "abcd");
    CHECK(read(memory, bytes.data(), bytes.size()) == error(Errno::kEFAULT));
}

}  // namespace
}  // namespace halfcell::test
