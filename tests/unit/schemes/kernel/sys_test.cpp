#include "schemes/kernel/sys/sys_scheme.h"

#include "abi/dirent.h"
#include "abi/number.h"
#include "schemes/kernel/sys/format_call.h"
#include "tests/unit/schemes/kernel/schemes_fixture.h"

using namespace halfcell;
using namespace halfcell::test;
using scheme::DescriptionRef;

namespace {

constexpr std::uint32_t kSys = 8;

struct SysFixture : SchemesFixture {
    SysFixture() {
        rename(guest, 0, "[bootstrap]");
        kernel.environment = "ORACLE=1\n";
    }
    static void rename(Guest& who, std::uint32_t pid, const std::string& name) {
        auto attributes = who.context->attributes();
        attributes.pid = pid;
        attributes.name = name;
        who.context->set_attributes(attributes);
    }
    std::string show(std::string_view name) { return read_text(*open(kSys, name), 100'000); }
    Result<std::uint64_t> getdents(const DescriptionRef& file, const mem::UserOut& to, std::uint64_t from) {
        return serving(file).getdents(guest.caller, file->number(), to, 19, from);
    }
};

}  // namespace

TEST_CASE_FIXTURE(SysFixture, "oracle p1: read2 of uname, and its size") {
    const DescriptionRef uname = *open(kSys, "uname", abi::OpenFlags::kRdonly);
    CHECK(uname->positioned());
    CHECK(read_text(uname, 5) == "Redox");
    scheme::Scheme& sys = serving(uname);
    const auto read2 = [&](std::uint64_t offset) {
        return sys.read_at(guest.caller, uname->number(), guest.out(5), offset, {});
    };
    CHECK(*read2(0) == 5);
    CHECK(*read2(UINT64_MAX) == 0);
    CHECK(*sys.fsize(guest.caller, uname->number()) == 21);
    CHECK(show("uname") == "Redox\n0.5.12\nx86_64\n\n");
    CHECK(*fpath(uname) == "/scheme/sys/uname");
    CHECK(*fpath(uname, 14) == "/scheme/sys/un");
}

TEST_CASE_FIXTURE(SysFixture, "names: slashes, other bases, unknown ones") {
    const DescriptionRef uname = *open(kSys, "//uname/");
    CHECK(error_of(open_at(uname, "uname")) == "ok");
    CHECK(error_of(open(kSys, "nope")) == "ENOENT");
    CHECK(error_of(open(kSys, "uname/x")) == "ENOENT");
    CHECK(*fpath(*open(kSys, "")) == "/scheme/sys/");
    CHECK(*fpath(*open(kSys, "///")) == "/scheme/sys/");
    CHECK(error_of(dup(uname, "x")) == "EOPNOTSUPP");
    CHECK(error_of(fpath(*kernel.schemes.open_root(SchemeId{kSys}))) == "EBADF");
}

TEST_CASE_FIXTURE(SysFixture, "oracle p1: sys getdents") {
    const DescriptionRef directory = *open(kSys, "", abi::OpenFlags::kRdonly);
    CHECK(*getdents(directory, guest.out(4096), 0) == 364);
    CHECK(error_of(getdents(directory, guest.out(100), 0)) == "EINVAL");
    CHECK(*getdents(directory, guest.out(4096), 14) == 0);
    CHECK(*getdents(directory, guest.out(4096), 100) == 0);
    CHECK(*getdents(directory, guest.out(10), 14) == 0);
    CHECK(error_of(getdents(*open(kSys, "uname"), guest.out(4096), 0)) == "ENOTDIR");
    CHECK(read_text(directory, 10) == "error EBADF");
    std::vector<std::uint8_t> packed(364);
    getdents(directory, mem::UserOut::local(std::as_writable_bytes(std::span(packed))), 0);
    abi::DirentReader reader(packed.data(), packed.size());
    std::string names;
    abi::Dirent entry{};
    for (std::uint64_t i = 0; reader.next(entry) == abi::DirentReader::Status::kEntry; ++i) {
        CHECK(std::uint64_t{entry.header.inode} == i);
        CHECK(std::uint64_t{entry.header.next_opaque_id} == i + 1);
        CHECK(entry.header.kind == 8);
        names.append(entry.name).append(" ");
    }
    CHECK(
        names ==
        "block context cpu exe iostat irq log syscall uname env spurious_irq stat update_time_offset kstop ");
}

TEST_CASE_FIXTURE(SysFixture, "oracle p1: the files of a machine with one program") {
    CHECK(show("block") == "0: [kmain]\n0: [bootstrap]\n");
    CHECK(show("exe") == "[bootstrap]");
    CHECK(show("env") == "ORACLE=1\n");
    CHECK(show("syscall") == "0: [kmain]\n0: [bootstrap]\n");
    CHECK(show("spurious_irq") == "0\tIRQ7\n0\tIRQ15\n0\ttotal\n");
    CHECK(show("irq").size() == 1458);
    const DescriptionRef block = *open(kSys, "block");
    const abi::Stat stat = *fstat(block);
    CHECK(stat.st_mode == 0x81b6);
    CHECK(stat.st_size == 26);
    CHECK((*fstat(*open(kSys, ""))).st_mode == (0x4000 | 0444));
}

TEST_CASE_FIXTURE(SysFixture, "context: rows like those of p1") {
    guest.context->mark_started();
    mem::MapRequest request;
    request.size = 116 * 1024 - 8192;
    // With the guest's two pages: p1's 102400 + 16384 bytes less 2048, 65536 of stack and 1152 of registers.
    REQUIRE(guest.context->address_space()->map(request, {}));
    const std::string text = show("context");
    const std::string affinity = schemes::sys::format_affinity(schemes::sys::cpu_count());
    const std::string mask = affinity + std::string(11 - affinity.size(), ' ');
    CHECK(text ==
          "PID   EUID  EGID  STAT  CPU   AFFINITY   TIME        PRIVATE SHARED  NAME\n"
          "0     0     0     RR    #0    " +
              mask +
              "00:00:00.00 1.12 KB 0 B     [kmain]\n"
              "0     0     0     UR+   #0    " +
              mask + "00:00:00.00 181 KB  0 B     [bootstrap]\n");
}

TEST_CASE_FIXTURE(SysFixture, "context: other states, sorted by pid") {
    Guest second(kernel, pool, machines), first(kernel, pool, machines);
    rename(second, 20, "second");
    rename(first, 10, "first");
    CHECK(first.context->address_space()->unmap({first.buffer, 8192}));
    const std::string text = show("context");
    const std::size_t first_at = text.find("10    0     0     KB    ?"),
                      second_at = text.find("20    0     0     UB    ?");
    REQUIRE(first_at != std::string::npos);
    REQUIRE(second_at != std::string::npos);
    CHECK(first_at < second_at);
    CHECK(show("block") == "0: [kmain]\n0: [bootstrap]\n10: first\n20: second\n");
}

TEST_CASE_FIXTURE(SysFixture, "block and syscall tell what others wait for") {
    Guest other(kernel, pool, machines);
    rename(other, 7, "waiter");
    const DescriptionRef reader = *open(4, "");
    machine::CallTrap trap{};
    trap.number = abi::SYS_READ;
    trap.args = {3, 0x1A000, 512, 0, 0, 0};
    other.context->enter_call(trap);
    Result<std::uint64_t> result = 0;
    std::thread thread([&] { result = read_as(other, reader, other.out(512)); });
    other.await_block();
    CHECK(show("block") == "0: [kmain]\n0: [bootstrap]\n7: waiter\n  PipeRead::read\n");
    CHECK(show("syscall") == "0: [kmain]\n0: [bootstrap]\n7: waiter\n  read(3, 0x1A000, 512)\n");
    other.context->waiter().interrupt();
    thread.join();
}

TEST_CASE_FIXTURE(SysFixture, "syscall shows the reader's own call once it has slept") {
    machine::CallTrap trap{};
    trap.number = abi::SYS_READ;
    trap.args = {3, 0x1000, 64, 0, 0, 0};
    guest.context->enter_call(trap);
    CHECK(show("syscall") == "0: [kmain]\n0: [bootstrap]\n");
    guest.context->waiter().prepare({.reason = "test"});
    guest.context->waiter().notify();
    guest.context->waiter().sleep({});
    CHECK(show("syscall") == "0: [kmain]\n0: [bootstrap]\n  read(3, 0x1000, 64)\n");
}

TEST_CASE_FIXTURE(SysFixture, "iostat: rows like those of p1") {
    const DescriptionRef debug = *open(1, "");
    const DescriptionRef pipe = *open(4, "");
    SchemesFixture::set_nonblocking(pipe, true);
    add_file(debug);
    add_file(pipe);
    const auto files = guest.context->files();
    REQUIRE(files->insert(FdNumber{100}, {*open(8, "uname", 0x420101A4), false}));
    REQUIRE(
        files->insert(FdNumber{abi::kUpperFdtblTag | 2}, {*kernel.schemes.open_root(SchemeId{2}), false}));
    REQUIRE(
        files->insert(FdNumber{abi::kUpperFdtblTag | 6}, {*kernel.schemes.open_root(SchemeId{6}), false}));
    REQUIRE(files->insert(
        FdNumber{abi::kUpperFdtblTag | 11},
        {DescriptionRef::create({.scheme = nullptr, .scheme_id = SchemeId{11}, .number = HandleNumber{0}}),
         false}));
    const std::string pipe_number = std::to_string(pipe->number().value());
    const std::string debug_number = std::to_string(debug->number().value());
    CHECK(show("iostat") ==
          "0: [kmain]\n"
          "0: [bootstrap]\n"
          "     0:        1        " +
              debug_number +
              " 00030000: debug:\n"
              "     1:        4        " +
              pipe_number +
              " 00070000: /scheme/pipe/\n"
              "   100:        8        2 420101A4: /scheme/sys/uname\n"
              "U    2:        2 18446744073709551615 02030000: /scheme/event/\n"
              "U    6:        6        1 02030000: Bad file number\n"
              "U   11:       11        0 00000000: no scheme\n");
}

TEST_CASE_FIXTURE(SysFixture, "a file is made once per handle") {
    const DescriptionRef early = *open(kSys, "block");
    REQUIRE(fstat(early));
    Guest other(kernel, pool, machines);
    rename(other, 5, "late");
    CHECK(read_text(early, 1000).find("late") == std::string::npos);
    CHECK(show("block").find("late") != std::string::npos);
}

TEST_CASE_FIXTURE(SysFixture, "log shows what the console got") {
    write(*open(1, ""), "hello\n");
    CHECK(show("log") == "hello\n");
    log->append(std::string(3 << 20, 'x'));
    log->append("end");
    const DescriptionRef file = *open(kSys, "log");
    CHECK((*fstat(file)).st_size == 1048575);
}

TEST_CASE_FIXTURE(SysFixture, "stat: the lines, in order") {
    const DescriptionRef pipe = *open(4, "");
    const std::string text = show("stat");
    std::vector<std::string> names;
    for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
        names.push_back(text.substr(at, text.find_first_of(" :", at) - at));
    std::vector<std::string> expected = {"cpu"};
    for (unsigned cpu = 0; cpu < schemes::sys::cpu_count(); ++cpu)
        expected.push_back("cpu" + std::to_string(cpu));
    for (const char* name :
         {"IRQs", "boot_time", "context_switches", "contexts_created", "contexts_alive", "contexts_running",
          "contexts_blocked", "event_registries", "event_subcribers", "futex_registries", "futex_subcribers",
          "pipe_subcribers", "timeout_subscribers"})
        expected.push_back(name);
    CHECK(names == expected);
    CHECK(text.starts_with("cpu  "));
    CHECK(text.find("\nIRQs 0 0 0 0") != std::string::npos);
    CHECK(text.find("\ncontexts_created: 2\ncontexts_alive: 2\n") != std::string::npos);
    CHECK(text.find("\npipe_subcribers: 2\ntimeout_subscribers: 0\n") != std::string::npos);
}

TEST_CASE_FIXTURE(SysFixture, "cpu: vendor, model, features") {
    const std::string text = show("cpu");
    CHECK(text.starts_with("CPUs: " + std::to_string(schemes::sys::cpu_count()) + "\nVendor: "));
    CHECK(text.find("\nFeatures: fpu ") != std::string::npos);
    CHECK(text.find(" syscall") != std::string::npos);
    CHECK(text.back() == '\n');
}

TEST_CASE_FIXTURE(SysFixture, "what can be read cannot be written, and the other way round") {
    const DescriptionRef readable = *open(kSys, "uname"), directory = *open(kSys, ""),
                         order = *open(kSys, "kstop");
    CHECK(error_of(write(readable, "x")) == "EISDIR");
    CHECK(error_of(write(directory, "x")) == "EISDIR");
    CHECK(read_text(order, 10) == "error EISDIR");
    CHECK(error_of(fstat(order)) == "EISDIR");
    CHECK(*serving(order).fsize(guest.caller, order->number()) == 0);
    CHECK(*serving(directory).fsize(guest.caller, directory->number()) == 0);
    CHECK(error_of(write(*kernel.schemes.open_root(SchemeId{kSys}), "x")) == "EBADF");
    CHECK(error_of(read(readable, guest.out_at(kWild, 5))) == "EFAULT");
    CHECK(error_of(write(order, guest.in_at(kWild, 5))) == "EFAULT");
}

TEST_CASE_FIXTURE(SysFixture, "write-only files are for the superuser") {
    scheme::Caller user{guest.context->id(), 1, 1000, 1000, guest.context->waiter()};
    CHECK(error_of(scheme(kSys)->openat(user, HandleNumber{1}, "kstop", 0, 0)) == "EPERM");
    CHECK(error_of(scheme(kSys)->openat(user, HandleNumber{1}, "uname", 0, 0)) == "ok");
}

TEST_CASE_FIXTURE(SysFixture, "update_time_offset takes 16 bytes") {
    const DescriptionRef file = *open(kSys, "update_time_offset");
    for (const std::size_t size : {0, 15, 17, 256})
        CHECK(error_of(write(file, std::string(size, '\0'))) == "EINVAL");
    const std::uint64_t offset[] = {1'000'000'000'000, 0};
    CHECK(*write(file, mem::UserIn::local(std::as_bytes(std::span(offset)))) == 16);
    CHECK(kernel.clock.realtime() / 1'000'000'000 ==
          (1'000'000'000'000 + kernel.clock.monotonic()) / 1'000'000'000);
}

TEST_CASE_FIXTURE(SysFixture, "kstop ends everything") {
    const DescriptionRef file = *open(kSys, "kstop");
    CHECK(error_of(write(file, "halt")) == "EINVAL");
    CHECK(error_of(write(file, "")) == "EINVAL");
    CHECK_FALSE(guest.context->ending());
    const DescriptionRef waiting = *open(10, "kstop", abi::OpenFlags::kRdonly);
    CHECK(*write(file, " shutdown\n") == 10);
    CHECK(guest.context->ending());
    CHECK(read_text(waiting, 5) == "\x42");
}

TEST_CASE("bytes as sys:context shows them, quirks included") {
    using schemes::sys::format_bytes;
    CHECK(format_bytes(0) == "0 B");
    CHECK(format_bytes(1024) == "1024 B");
    CHECK(format_bytes(1152) == "1.12 KB");
    CHECK(format_bytes(2047) == "1.102 KB");
    CHECK(format_bytes(11263) == "10.10 KB");
    CHECK(format_bytes(185472) == "181 KB");
    CHECK(format_bytes(1048576) == "1024 KB");
    CHECK(format_bytes(1048577) == "1.00 MB");
    CHECK(format_bytes(std::uint64_t{5} << 30) == "5.00 GB");
}

TEST_CASE("affinities as sys:context shows them, quirks included") {
    using schemes::sys::format_affinity;
    CHECK(format_affinity(1) == "1");
    CHECK(format_affinity(2) == "3");
    CHECK(format_affinity(8) == "FF");
    CHECK(format_affinity(64) == "0");
    CHECK(format_affinity(65) == "FFFFFFFFFFFFFFFF_1");
}

TEST_CASE_FIXTURE(SysFixture, "calls in words") {
    mem::AddressSpace& space = *guest.context->address_space();
    const auto put = [&](std::uint64_t offset, const auto& value) {
        REQUIRE(space.write(guest.buffer + offset, std::as_bytes(std::span(&value, 1))));
        return guest.buffer + offset;
    };
    const auto text = [&](std::uint64_t number, std::array<std::uint64_t, 6> args) {
        return schemes::sys::format_call(space, number, args);
    };
    constexpr std::uint64_t kMax = UINT64_MAX;
    const std::uint64_t name = put(0, std::array<char, 8>{'a', '"', '\n', '\x01', 'b', 'c', 'd', 'e'});
    CHECK(text(abi::SYS_OPENAT, {4, name, 5, 0x10000, 1, 2}) ==
          "openat(4 Ok(\"a\\\"\\n\\x01b\"), 0x10000, 1, 2)");
    CHECK(text(abi::SYS_OPENAT, {4, kWild, 5, 0, 0, 0}) == "openat(4 Err(Bad address), 0x0, 0, 0)");
    CHECK(text(abi::SYS_UNLINKAT, {4, name, 1, 0x200, 0, 0}) == "unlinkat(4 Ok(\"a\"), 0x200, 0, 0)");
    CHECK(text(abi::SYS_CLOSE, {4, 0, 0, 0, 0, 0}) == "close(4)");
    CHECK(text(abi::SYS_DUP, {4, name, 0, 0, 0, 0}) == "dup(4, Ok(\"\"))");
    CHECK(text(abi::SYS_READ2, {3, 0xabc, 5, kMax, kMax, 0}) ==
          "read2(3, 0xABC, 5, 18446744073709551615, None)");
    CHECK(text(abi::SYS_WRITE2, {3, 0xabc, 5, 0, 3, 0}) ==
          "write2(3, 0xABC, 5, 0, Some(RwFlags(NONBLOCK | APPEND)))");
    CHECK(text(abi::SYS_READ2, {3, 0, 5, 0, 0, 0}) == "read2(3, 0x0, 5, 0, Some(RwFlags(0x0)))");
    CHECK(text(abi::SYS_LSEEK, {3, kMax, 2, 0, 0, 0}) == "lseek(3, -1, SEEK_END (2))");
    CHECK(text(abi::SYS_FCNTL, {3, 4, 0x40000, 0, 0, 0}) == "fcntl(3, F_SETFL (4), 0x40000)");
    CHECK(text(abi::SYS_FCNTL, {3, 99, 0, 0, 0, 0}) == "fcntl(3, UNKNOWN (99), 0x0)");
    CHECK(text(abi::SYS_FCHMOD, {3, 0644, 0, 0, 0, 0}) == "fchmod(3, 0o644)");
    const std::uint64_t map = put(64, abi::Map{0, 4096, 0x6000c, 0x5000});
    CHECK(
        text(abi::SYS_FMAP, {kMax, map, 32, 0, 0, 0}) ==
        "fmap(18446744073709551615, Ok(Map { offset: 0, size: 4096, flags: MapFlags(PROT_WRITE | PROT_READ | "
        "MAP_FIXED | MAP_FIXED_NOREPLACE), address: 20480 }))");
    CHECK(text(abi::SYS_FMAP, {3, map, 31, 0, 0, 0}) == "fmap(3, Err(Invalid argument))");
    CHECK(text(abi::SYS_FUNMAP, {0x1000, 0x2000, 0, 0, 0, 0}) == "funmap(0x1000, 0x2000)");
    const std::uint64_t words = put(128, std::array<std::uint64_t, 2>{255, 16});
    CHECK(text(abi::SYS_CALL, {3, 0x1000, 8, 0x10002, words, 0}) ==
          "call(3, 1000+8, CallFlags(STD_FS), Ok([ff, 10])");
    const std::uint64_t time = put(256, abi::TimeSpec{1, 500});
    CHECK(text(abi::SYS_NANOSLEEP, {time, 0, 0, 0, 0, 0}) ==
          "nanosleep(Ok(TimeSpec { tv_sec: 1, tv_nsec: 500 }), (0, 0))");
    const std::uint64_t word = put(512, std::uint32_t{7});
    CHECK(text(abi::SYS_FUTEX, {word, 0, 7, 0, 0, 0}).ends_with(" [Ok(7)], 0, 7, 0, 0)"));
    CHECK(text(abi::SYS_MPROTECT, {0x1000, 4096, 0x60000, 0, 0, 0}) ==
          "mprotect(0x1000, 4096, Some(MapFlags(PROT_WRITE | PROT_READ)))");
    CHECK(text(abi::SYS_MPROTECT, {0x1000, 4096, 0x80000, 0, 0, 0}) == "mprotect(0x1000, 4096, None)");
    CHECK(text(abi::SYS_YIELD, {}) == "yield()");
    CHECK(text(77, {1, 2, 3, 4, 5, 255}) == "UNKNOWN77 0x4D(0x1, 0x2, 0x3, 0x4, 0x5, 0xFF)");
}
