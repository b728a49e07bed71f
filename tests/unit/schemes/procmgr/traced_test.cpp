// Who may trace whom by "PID/trace", and what a parent that traces its child hears from waitpid.

#include "abi/ptrace.h"
#include "tests/unit/schemes/procmgr/procmgr_fixture.h"

namespace halfcell::test {
namespace {

using Stop = abi::PtraceFlags;

struct TracedFixture : ProcmgrFixture {
    std::int64_t open(std::string_view path, std::uint64_t flags = 0) {
        const auto opened = [&]() -> Result<std::uint64_t> {
            const auto root = TRY(manager->root());
            auto result = TRY(manager->openat(caller(), root.number, path, flags | abi::OpenFlags::kRdwr, 0));
            return static_cast<std::uint64_t>(add(std::get<scheme::DescriptionRef>(std::move(result))));
        }();
        return static_cast<std::int64_t>(mux(opened));
    }
    std::string path(std::uint32_t of, std::string_view name) {
        return std::to_string(of) + "/" + std::string(name);
    }
    // A child that runs; its descriptor.
    std::int64_t child(std::uint32_t& child_pid) {
        const std::int64_t made = dup(process, "fork");
        abi::ProcMeta seen{};
        REQUIRE(read(made, &seen, sizeof seen) == 44);
        child_pid = seen.pid;
        const std::int64_t first = dup(made, "thread-0");
        REQUIRE(write_to(first, "start", {}) == 0);
        return made;
    }
    std::int64_t wait(std::uint32_t of, std::uint64_t flags, std::int32_t& status) {
        std::uint64_t word = 0;
        const std::int64_t got =
            call(abi::ProcCall::kWaitpid, {of, flags}, std::as_writable_bytes(std::span(&word, 1)));
        status = static_cast<std::int32_t>(word);
        return got;
    }
};

TEST_CASE_FIXTURE(TracedFixture, "children may be traced, strangers and oneself may not") {
    std::uint32_t child_pid = 0;
    child(child_pid);
    other_process(5);
    CHECK(open(path(pid, "trace")) == error(Errno::kEPERM));
    CHECK(open(path(other_pid, "trace")) == error(Errno::kEPERM));
    CHECK(open(path(other_pid, "mem")) == error(Errno::kEPERM));
    CHECK(open(path(99999, "trace")) == error(Errno::kESRCH));
    CHECK(open(path(1, "trace")) == error(Errno::kESRCH));
    CHECK(open(path(child_pid, "nothing")) == error(Errno::kENOENT));
    CHECK(open("x/trace") == error(Errno::kENOENT));
    CHECK(open("") == error(Errno::kENOENT));
    CHECK(open(path(child_pid, "trace")) >= 0);
    CHECK(open(path(child_pid, "trace")) == error(Errno::kEBUSY));
    CHECK(open(path(child_pid, "regs/int")) >= 0);
    CHECK(open(path(child_pid, "mem")) >= 0);
}

TEST_CASE_FIXTURE(TracedFixture, "root may trace anybody") {
    other_process(7);
    CHECK(open(path(other_pid, "trace")) == error(Errno::kEPERM));
    auto attributes = caller_context->attributes();
    attributes.euid = 0;
    caller_context->set_attributes(attributes);
    CHECK(open(path(other_pid, "trace")) >= 0);
}

TEST_CASE_FIXTURE(TracedFixture, "a parent hears of its tracee's stops until it resumes it") {
    calls.bodies[1] = [](task::Context&) { return 0; };
    std::uint32_t child_pid = 0;
    child(child_pid);
    const std::int64_t trace = open(path(child_pid, "trace"), abi::OpenFlags::kTrunc);
    std::int32_t status = 0;
    CHECK(wait(child_pid, abi::WaitFlags::kUntraced, status) == child_pid);
    CHECK(status == abi::wait_status_stopped(abi::Signal::kStop));
    CHECK(write_words(trace, {Stop::kPtraceStopPreSyscall}) == 8);
    script(0).call(1);
    CHECK(wait(child_pid, abi::WaitFlags::kUntraced, status) == child_pid);
    CHECK(write_words(trace, {Stop::kPtraceStopPostSyscall}) == 8);
    abi::PtraceEvent event{};
    CHECK(read(trace, &event, sizeof event) == sizeof event);
    // News of a stop that is over are none.
    CHECK(write_words(trace, {0}) == 8);
    CHECK(wait(child_pid, abi::WaitFlags::kUntraced | abi::WaitFlags::kNohang, status) == 0);
}

TEST_CASE_FIXTURE(TracedFixture, "SIGKILL ends a child that a tracer holds on its way out") {
    std::uint32_t child_pid = 0;
    const std::int64_t made = child(child_pid);
    calls.bodies[1] = [&](task::Context&) {
        return static_cast<std::uint64_t>(call(made, {static_cast<std::uint64_t>(abi::ProcCall::kExit), 3}));
    };
    const std::int64_t trace = open(path(child_pid, "trace"));
    CHECK(write_words(trace, {Stop::kPtraceStopExit}) == 8);
    script(0).call(1);
    abi::PtraceEvent event{};
    CHECK(read(trace, &event, sizeof event) == sizeof event);
    CHECK(event.cause == Stop::kPtraceStopExit);
    CHECK(event.a == static_cast<std::uint64_t>(abi::wait_status_exited(3)));
    std::int32_t status = 0;
    CHECK(wait(child_pid, abi::WaitFlags::kNohang, status) == 0);
    CHECK(call(abi::ProcCall::kKill, {child_pid, abi::Signal::kKill}) == 0);
    CHECK(wait(child_pid, 0, status) == child_pid);
    CHECK(status == abi::wait_status_exited(3));
}

TEST_CASE_FIXTURE(TracedFixture, "closing an exclusive handle ends the process as by SIGKILL") {
    std::uint32_t child_pid = 0;
    child(child_pid);
    CHECK(close(open(path(child_pid, "trace"), abi::OpenFlags::kExcl)) == 0);
    std::int32_t status = 0;
    CHECK(wait(child_pid, 0, status) == child_pid);
    CHECK(status == abi::wait_status_signaled(abi::Signal::kKill));
}

}  // namespace
}  // namespace halfcell::test
