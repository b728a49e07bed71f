// What oracle/p6 recorded of names, new contexts and their handles, as far as no thread has to run; file
// tables are in file_table_test.cpp.

#include <cstring>

#include "tests/unit/schemes/proc/proc_fixture.h"

namespace halfcell::test {
namespace {

constexpr std::uint64_t kStop = 1;
constexpr std::uint64_t kUnstop = 2;
constexpr std::uint64_t kInterrupt = 3;
constexpr std::uint64_t kForceKill = UINT64_MAX;

TEST_CASE_FIXTURE(ProcFixture, "names lead to handles or to the errors of the real kernel") {
    CHECK(dup(self, "bogus") == error(Errno::kEINVAL));
    CHECK(dup(kAuthority, "bogus") == error(Errno::kENOENT));
    CHECK(dup(self, std::string(65, 'a')) == error(Errno::kEINVAL));
    CHECK(dup(self, std::string(64, 'a')) == error(Errno::kEINVAL));
    CHECK(dup(self, "\xff") == error(Errno::kEINVAL));
    CHECK(dup(kAuthority, "\xff") == error(Errno::kEINVAL));
    CHECK(dup(self, "auth-x-attrs") == error(Errno::kENOENT));
    CHECK(dup(self, "auth-99-attrs") == error(Errno::kEBADF));
    CHECK(dup(self, "auth-0-attrs") == error(Errno::kENOENT));
    CHECK(dup(self, "auth-4611686018427387913-bogus") == error(Errno::kENOENT));
    CHECK(dup(self, "auth-4611686018427387913") == error(Errno::kENOENT));
    CHECK(dup(self, "auth--attrs") == error(Errno::kENOENT));
    CHECK(dup(self, "auth-99999999999999999999-attrs") == error(Errno::kENOENT));
    CHECK(dup(self, "auth-+4611686018427387913-attrs") >= 0);
    CHECK(dup(self, "open_via_dup") >= 0);
    CHECK(dup(self, "regs/bogus") == error(Errno::kEINVAL));
    CHECK(dup(kAuthority, "addrspace") == error(Errno::kENOENT));
}

TEST_CASE_FIXTURE(ProcFixture, "a descriptor of another scheme is no authority") {
    const auto other = std::make_shared<RecordingScheme>();
    const SchemeId id = *kernel.schemes.add(other);
    const auto fd = *caller_context->files()->add(
        {scheme::DescriptionRef::create({.scheme = other, .scheme_id = id, .number = HandleNumber{1}}),
         false});
    CHECK(dup(self, "auth-" + std::to_string(fd.value()) + "-status") == error(Errno::kEBADF));
}

TEST_CASE_FIXTURE(ProcFixture, "handle numbers count up from the root's") {
    const auto number = [&](std::int64_t fd) {
        return (*caller_context->files()->find(FdNumber{static_cast<std::uint64_t>(fd)}))->number().value();
    };
    CHECK(number(kAuthority) == 1);
    CHECK(number(self) == 2);
    CHECK(number(dup(self, "status")) == 3);
    CHECK(number(dup(kAuthority, "new-context")) == 4);
}

TEST_CASE_FIXTURE(ProcFixture, "attributes are read as they fit and written whole") {
    const std::int64_t attributes = dup(self, "auth-4611686018427387913-attrs");
    abi::ProcSchemeAttrs wire{};
    CHECK(read(attributes, &wire, sizeof wire) == 48);
    CHECK(wire.pid == 0);
    CHECK(wire.prio == 20);
    CHECK(std::string(reinterpret_cast<char*>(wire.debug_name)) == "[bootstrap]");
    CHECK(read(attributes, &wire, 10) == 10);
    CHECK(write(attributes, &wire, 47) == error(Errno::kEINVAL));
    wire = {.pid = 7, .euid = 8, .egid = 9, .prio = 99};
    std::memset(wire.debug_name, 'n', sizeof wire.debug_name);
    CHECK(write(attributes, &wire, sizeof wire) == 48);
    CHECK(caller_context->attributes().priority == 39);
    CHECK(caller_context->attributes().name == std::string(32, 'n'));
    CHECK(caller_context->attributes().pid == 7);
    wire.debug_name[3] = 0xff;
    wire.pid = 70;
    CHECK(write(attributes, &wire, sizeof wire) == error(Errno::kEINVAL));
    CHECK(caller_context->attributes().pid == 7);
    CHECK(size_of(attributes) == 0);
    CHECK(dup(attributes, "x") == error(Errno::kEINVAL));
    char word[8] = {};
    CHECK(read(self, word, 8) == error(Errno::kEBADF));
    CHECK(write(kAuthority, word, 8) == error(Errno::kEBADF));
}

TEST_CASE_FIXTURE(ProcFixture, "a handle looks like a regular file of mode 666") {
    const auto file = *caller_context->files()->find(FdNumber{static_cast<std::uint64_t>(self)});
    abi::Stat stat{};
    REQUIRE(proc->fstat(caller(), file->number(),
                        mem::UserOut::local(std::as_writable_bytes(std::span(&stat, 1)))));
    CHECK(stat.st_mode == 0100666);
    CHECK(stat.st_size == 0);
    std::array<char, 100> path{};
    CHECK(proc->fpath(caller(), file->number(),
                      mem::UserOut::local(std::as_writable_bytes(std::span(path)))) == 20);
    CHECK(std::string(path.data()) == "/scheme/kernel.proc/");
    CHECK(proc->fevent(caller(), file->number(), 3) == 0);
}

TEST_CASE_FIXTURE(ProcFixture, "a new context has the registers Redox gives it") {
    const std::int64_t thread = dup(kAuthority, "new-context");
    CHECK(status(thread) == 2);
    const std::int64_t ints = dup(thread, "regs/int");
    abi::IntRegisters regs{};
    CHECK(read(ints, &regs, sizeof regs) == 160);
    CHECK(regs.cs == 0x2b);
    CHECK(regs.rflags == 0x200);
    CHECK(regs.ss == 0x23);
    CHECK(regs.rip == 0);
    CHECK(read(ints, &regs, 8) == 8);
    CHECK(write(ints, &regs, 159) == error(Errno::kEINVAL));
    regs.rflags = UINT64_MAX;
    regs.cs = regs.ss = 0;
    regs.r13 = 13;
    CHECK(write(ints, &regs, 160) == 160);
    CHECK(read(ints, &regs, 160) == 160);
    CHECK(regs.rflags == 0xfd5);
    CHECK(regs.cs == 0x2b);
    CHECK(regs.r13 == 13);
    regs.rflags = 0;
    write(ints, &regs, 160);
    read(ints, &regs, 160);
    CHECK(regs.rflags == 0x200);
}

TEST_CASE_FIXTURE(ProcFixture, "segment bases are any canonical addresses") {
    const std::int64_t env = dup(dup(kAuthority, "new-context"), "regs/env");
    abi::EnvRegisters bases{1, 1};
    CHECK(read(env, &bases, 16) == 16);
    CHECK(+bases.fsbase == 0);
    CHECK(+bases.gsbase == 0);
    CHECK(write_words(env, {0x800000000000, 0}) == error(Errno::kEINVAL));
    CHECK(write_words(env, {0x7fff00000000, 0xffff800000000000}) == 16);
    CHECK(read(env, &bases, 16) == 16);
    CHECK(+bases.fsbase == 0x7fff00000000);
    CHECK(+bases.gsbase == 0xffff800000000000);
    CHECK(write_words(env, {1}) == error(Errno::kEINVAL));
    CHECK(write_words(env, {0x7fffffffffff, 0}) == 16);
}

TEST_CASE_FIXTURE(ProcFixture, "float registers before the start are stored and shown") {
    const std::int64_t floats = dup(dup(kAuthority, "new-context"), "regs/float");
    std::array<std::byte, 512> image{};
    image.fill(std::byte{0xee});
    CHECK(read(floats, image.data(), 512) == 416);
    CHECK(image[0] == std::byte{0});
    CHECK(image[415] == std::byte{0});
    CHECK(image[416] == std::byte{0xee});
    CHECK(write(floats, image.data(), 415) == error(Errno::kEINVAL));
    image.fill(std::byte{0xee});
    CHECK(write(floats, image.data(), 416) == 416);
    CHECK(read(floats, image.data(), 512) == 416);
    CHECK(image[0] == std::byte{0xee});
    CHECK(image[5] == std::byte{0});  // the reserved byte
    CHECK(image[32 + 9] == std::byte{0xee});
    CHECK(image[32 + 10] == std::byte{0});  // beyond the 80 bits of st0
    CHECK(image[160] == std::byte{0xee});
}

TEST_CASE_FIXTURE(ProcFixture, "a selector that was never written to changes nothing") {
    const std::int64_t thread = dup(kAuthority, "new-context");
    const auto context = kernel.contexts.all().back();
    const auto space = context->address_space();
    CHECK(close(dup(thread, "current-addrspace")) == 0);
    CHECK(close(dup(thread, "current-filetable")) == 0);
    CHECK(context->address_space() == space);
}

TEST_CASE_FIXTURE(ProcFixture, "an address space is chosen by descriptor, with sp, ip and maybe rsi") {
    const std::int64_t thread = dup(kAuthority, "new-context");
    const auto context = kernel.contexts.all().back();
    const auto space = static_cast<std::uint64_t>(dup(self, "addrspace"));
    const std::int64_t select = dup(thread, "current-addrspace");
    CHECK(write_words(select, {99, 1, 1}) == error(Errno::kEBADF));
    CHECK(write_words(select, {static_cast<std::uint64_t>(thread), 1, 1}) == error(Errno::kEBADF));
    CHECK(write_words(select, {space, 1}) == error(Errno::kEINVAL));
    CHECK(write_words(select, {99, 1}) == error(Errno::kEINVAL));
    CHECK(write_words(select, {space, 0x1000, 0x2000, 0x3000}) == 32);
    CHECK(write_words(select, {space, 0x1000, 0x2000}) == error(Errno::kEBADF));
    CHECK(context->initial_registers().rip == 0);
    CHECK(close(select) == 0);
    CHECK(context->address_space() == caller_context->address_space());
    CHECK(context->initial_registers().rsp == 0x1000);
    CHECK(context->initial_registers().rip == 0x2000);
    CHECK(context->initial_registers().rsi == 0x3000);
    CHECK(write_to(thread, "current-addrspace", {space, 0x10, 0x20}) == 24);
    CHECK(context->initial_registers().rip == 0x20);
    CHECK(context->initial_registers().rsi == 0x3000);
}

TEST_CASE_FIXTURE(ProcFixture, "affinity is stored whole") {
    const std::int64_t affinity = dup(self, "sched-affinity");
    std::array<std::uint64_t, 2> mask{};
    CHECK(read(affinity, mask.data(), 16) == 16);
    CHECK(mask[0] == UINT64_MAX);
    CHECK(mask[1] == UINT64_MAX);
    CHECK(read(affinity, mask.data(), 15) == error(Errno::kEINVAL));
    CHECK(write_words(affinity, {1}) == error(Errno::kEINVAL));
    CHECK(write_words(affinity, {1, 2}) == 16);
    CHECK(read(affinity, mask.data(), 16) == 16);
    CHECK(mask[0] == 1);
    CHECK(mask[1] == 2);
}

TEST_CASE_FIXTURE(ProcFixture, "status verbs of a context that has not started") {
    const std::int64_t thread = dup(kAuthority, "new-context");
    CHECK(write_to(thread, "status", {kStop}) == error(Errno::kEPERM));
    CHECK(write_to(thread, "status", {kUnstop}) == error(Errno::kEPERM));
    CHECK(write_to(thread, "status", {9}) == error(Errno::kEINVAL));
    CHECK(write_to(thread, "status", {0}) == error(Errno::kEINVAL));
    CHECK(write_to(thread, "status", {}) == error(Errno::kEINVAL));
    CHECK(write_to(thread, "status", {kInterrupt}) == 8);
    CHECK(write_to(thread, "regs/int", {3}) == error(Errno::kEINVAL));
    const std::int64_t status_fd = dup(thread, "status");
    char buffer[8];
    CHECK(read(status_fd, buffer, 4) == 4);
    CHECK(read(status_fd, buffer, 0) == 0);
    CHECK(privileged(thread, kStop) == 8);
    CHECK(status(thread) == 5);
    CHECK(write_to(thread, "start", {}) == error(Errno::kEINVAL));
    CHECK(status(thread) == 5);
}

TEST_CASE_FIXTURE(ProcFixture, "a context killed before its start is dead at once and stays readable") {
    const auto sink = std::make_shared<DescriptionSink>();
    const std::int64_t thread = dup(kAuthority, "new-context");
    const auto file = *caller_context->files()->find(FdNumber{static_cast<std::uint64_t>(thread)});
    kernel.events.subscribe({SchemeId{9}, file->number()}, sink, {.id = 1, .flags = 1, .data = 5});
    CHECK(write_to(thread, "status", {kForceKill}) == 8);
    REQUIRE(sink->events.size() == 1);
    CHECK(sink->events[0].flags == 1);
    CHECK(sink->events[0].data == 5);
    CHECK(status(thread) == 4);
    CHECK(kernel.contexts.all().size() == 1);
    CHECK(dup(thread, "addrspace") == error(Errno::kENOENT));
    CHECK(dup(thread, "mmap-min-addr") == error(Errno::kENOENT));
    std::array<char, 160> buffer{};
    CHECK(read(dup(thread, "regs/int"), buffer.data(), 160) == error(Errno::kENOTRECOVERABLE));
    CHECK(read(dup(thread, "filetable"), buffer.data(), 10) == 0);
    CHECK(write_to(thread, "status", {kInterrupt}) == 8);
    CHECK(write_to(thread, "status", {kForceKill}) == 8);
    CHECK(privileged(thread, kStop) == error(Errno::kEOWNERDEAD));
    CHECK(privileged(thread, kUnstop) == 8);
    CHECK(write_to(thread, "start", {}) == error(Errno::kEINVAL));
    CHECK(write_to(thread, "sighandler", {1, 0, 0x1000, 0x2000}) == error(Errno::kESRCH));
    const auto space = static_cast<std::uint64_t>(dup(self, "addrspace"));
    const std::int64_t select = dup(thread, "current-addrspace");
    CHECK(write_words(select, {space, 0, 0}) == 24);
    CHECK(close(select) == error(Errno::kESRCH));
    CHECK(sink->events.size() == 1);
}

TEST_CASE_FIXTURE(ProcFixture,
                  "unstarted-context-leak: a context goes with the last handle that could start it") {
    const std::int64_t thread = dup(kAuthority, "new-context");
    const std::int64_t status_fd = dup(thread, "status");
    CHECK(kernel.contexts.all().size() == 2);
    CHECK(close(thread) == 0);
    CHECK(kernel.contexts.all().size() == 2);
    CHECK(close(status_fd) == 0);
    CHECK(kernel.contexts.all().size() == 1);
}

TEST_CASE_FIXTURE(ProcFixture, "a thread descriptor ends its own context only") {
    const std::int64_t thread = dup(kAuthority, "new-context");
    CHECK(write_words(self, {3}) == error(Errno::kEINVAL));
    CHECK(write_words(thread, {kForceKill}) == error(Errno::kEPERM));
    CHECK(write_words(thread, {1}) == error(Errno::kEINVAL));
    CHECK(write(thread, "1234567", 7) == error(Errno::kEINVAL));
    CHECK(write_words(self, {kForceKill, 0x1000}) == error(Errno::kEINVAL));
    CHECK(write_words(self, {kForceKill, 0x1001, 0x1000}) == error(Errno::kEINVAL));
    CHECK_FALSE(caller_context->ending());
    const std::int64_t page = anonymous(0x2000);
    CHECK(write_words(self, {kForceKill, static_cast<std::uint64_t>(page), 0x1000}) == 8);
    CHECK(caller_context->ending());
    CHECK(caller_context->address_space()->grant_at(static_cast<std::uint64_t>(page)).error() ==
          Errno::kEINVAL);
    CHECK(caller_context->address_space()->grant_at(static_cast<std::uint64_t>(page) + 0x1000).has_value());
    caller_context->die(std::nullopt);  // its worker would, if it had one
}

TEST_CASE_FIXTURE(ProcFixture, "ProcSchemeVerb::Iopl is for the caller, through thread handles only") {
    const auto number = [&](std::int64_t fd) {
        return (*caller_context->files()->find(FdNumber{static_cast<std::uint64_t>(fd)}))->number();
    };
    const auto call = [&](std::int64_t fd, std::vector<std::uint64_t> words) {
        return proc->call(caller(), number(fd), mem::UserInOut::local({}), 0, words);
    };
    CHECK(call(self, {}).error() == Errno::kEINVAL);
    CHECK(call(self, {1}).error() == Errno::kEINVAL);
    CHECK(call(self, {0x1ff}).error() == Errno::kEINVAL);
    CHECK(call(kAuthority, {255}).error() == Errno::kEBADF);
    CHECK_FALSE(caller_context->may_use_ports());
    CHECK(call(dup(kAuthority, "new-context"), {255}) == 0);
    CHECK(caller_context->may_use_ports());
}

}  // namespace
}  // namespace halfcell::test
