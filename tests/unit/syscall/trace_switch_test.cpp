#include "kernel_shim/syscall/trace_switch.h"

#include <thread>

#include "tests/unit/syscall/syscall_fixture.h"

using namespace halfcell;
using namespace halfcell::abi;
using test::SyscallFixture;

namespace {

struct SwitchFixture : SyscallFixture {
    syscall::TraceSwitch tracing{dispatcher, nullptr};
    static constexpr std::uint32_t kPid = 7;

    std::vector<std::string> tail(std::size_t most = 100) {
        std::vector<std::string> lines = tracing.tail(kPid, most);
        for (std::string& line : lines) {
            CHECK(line.ends_with(">"));
            line.resize(line.rfind(" <"));
        }
        return lines;
    }
};

}  // namespace

TEST_CASE("a process is traced from its next call on, and until it is switched off") {
    SwitchFixture fixture;
    (void)fixture.raw(SYS_CLOSE, 99);
    REQUIRE(fixture.tracing.trace(SwitchFixture::kPid, ""));
    (void)fixture.raw(SYS_CLOSE, 98);
    (void)fixture.raw(SYS_YIELD);
    fixture.tracing.forget(SwitchFixture::kPid);
    (void)fixture.raw(SYS_CLOSE, 97);
    CHECK(fixture.tail() ==
          std::vector<std::string>{"[7:1] close(98) = EBADF (Bad file number)", "[7:1] yield() = 0"});
    CHECK(fixture.tail(1) == std::vector<std::string>{"[7:1] yield() = 0"});
    CHECK(fixture.tracing.recorded() == 2);
    CHECK(fixture.tracing.traced().empty());
}

TEST_CASE("other processes are not") {
    SwitchFixture fixture;
    REQUIRE(fixture.tracing.trace(SwitchFixture::kPid + 1, ""));
    CHECK(fixture.tracing.watches(SwitchFixture::kPid + 1));
    CHECK_FALSE(fixture.tracing.watches(SwitchFixture::kPid));
    (void)fixture.raw(SYS_YIELD);
    CHECK(fixture.tracing.recorded() == 0);
    CHECK_FALSE(fixture.tracing.trace(0, ""));
}

TEST_CASE("a filter chooses, and can be replaced") {
    SwitchFixture fixture;
    REQUIRE(fixture.tracing.trace(SwitchFixture::kPid, "close"));
    (void)fixture.raw(SYS_YIELD);
    (void)fixture.raw(SYS_CLOSE, 99);
    REQUIRE(fixture.tracing.trace(SwitchFixture::kPid, "yield"));
    (void)fixture.raw(SYS_YIELD);
    (void)fixture.raw(SYS_CLOSE, 99);
    CHECK(fixture.tail() ==
          std::vector<std::string>{"[7:1] close(99) = EBADF (Bad file number)", "[7:1] yield() = 0"});
    const auto bad = fixture.tracing.trace(SwitchFixture::kPid, "nonsense");
    REQUIRE_FALSE(bad);
    CHECK(bad.error().find("nonsense") != std::string::npos);
}

TEST_CASE("paths, flags and numbers that are no call") {
    SwitchFixture fixture;
    REQUIRE(fixture.tracing.trace(SwitchFixture::kPid, ""));
    const std::string path = "etc/motd";
    const std::string long_path(100, 'p');
    (void)fixture.raw(SYS_OPENAT, SwitchFixture::kFile, fixture.put(path), path.size(), OpenFlags::kRdonly,
                      0);
    (void)fixture.raw(SYS_OPENAT, SwitchFixture::kFile, fixture.put(long_path), long_path.size(),
                      OpenFlags::kRdonly, 0);
    (void)fixture.raw(SYS_OPENAT, SwitchFixture::kFile, 0x10, 8, OpenFlags::kRdonly, 0);
    (void)fixture.raw(0x1234'5678, 1, 2);
    const auto lines = fixture.tail();
    REQUIRE(lines.size() == 4);
    CHECK(lines[0].starts_with("[7:1] openat(0, \"etc/motd\", O_RDONLY"));
    CHECK(lines[1].starts_with("[7:1] openat(0, \"" + std::string(31, 'p') + "\"..., O_RDONLY"));
    CHECK(lines[2].starts_with("[7:1] openat(0, \"\"..., O_RDONLY"));
    CHECK(lines[3].starts_with("[7:1] unknown_0x12345678(0x1, 0x2, "));
}

TEST_CASE("there is an end to filters and to processes") {
    SwitchFixture fixture;
    for (std::uint32_t pid = 1; pid <= syscall::TraceSwitch::kMostProcesses; ++pid)
        REQUIRE(fixture.tracing.trace(pid, "close"));
    CHECK_FALSE(fixture.tracing.trace(1000, "close"));
    fixture.tracing.forget(5);
    CHECK(fixture.tracing.trace(1000, "close"));
    std::string filter = "scheme=a";
    std::size_t taken = 0;
    while (taken < 1000 && fixture.tracing.trace(1000, filter)) {
        filter += "a";
        ++taken;
    }
    CHECK(taken + 1 == syscall::TraceSwitch::kMostFilters);
    CHECK(fixture.tracing.trace(1000, "close"));
}

TEST_CASE("the ring keeps the newest, whole, while many write and somebody reads") {
    syscall::TraceRing ring;
    constexpr std::uint64_t kEach = 3 * syscall::TraceRing::kRecords;
    std::vector<std::thread> writers;
    for (std::uint32_t pid = 1; pid <= 3; ++pid)
        writers.emplace_back([&ring, pid] {
            for (std::uint64_t i = 0; i < kEach; ++i)
                ring.add({.start = i, .elapsed = i, .pid = pid, .result = i, .args = {i, i, i, i, i, i}});
        });
    for (int look = 0; look < 20; ++look)
        for (const syscall::CallRecord& record : ring.last_of(2, 1000)) {
            CHECK(record.pid == 2);
            CHECK(record.args[5] == record.start);
            CHECK(record.result == record.elapsed);
        }
    for (std::thread& writer : writers)
        writer.join();
    CHECK(ring.added() == 3 * kEach);
    std::size_t kept = 0;
    for (std::uint32_t pid = 1; pid <= 3; ++pid)
        kept += ring.last_of(pid, syscall::TraceRing::kRecords).size();
    // A record is lost where its writer was overtaken by a whole round.
    CHECK(kept <= syscall::TraceRing::kRecords);
    CHECK(kept > syscall::TraceRing::kRecords - 100);
}
