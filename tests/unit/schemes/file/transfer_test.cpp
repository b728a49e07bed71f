// Reading and writing through handles, on the host and in memory.

#include <cstring>

#include "kernel_shim/mem/address_space.h"
#include "tests/unit/schemes/file/file_fixture.h"

using namespace halfcell;
using namespace halfcell::test;

TEST_CASE_TEMPLATE("reads and writes at offsets", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    const auto number = guest.open("f", OpenFlags::kCreat | OpenFlags::kRdwr | 0644).value();
    CHECK(guest.write(number, "hello") == 5);
    CHECK(guest.write(number, "J") == 1);
    CHECK(guest.read(number) == "Jello");
    CHECK(guest.read(number, 2, 3) == "lo");
    CHECK(guest.read(number, 10, 5) == "");
    CHECK(guest.read(number, 0) == "");
    CHECK(guest.read(number, 10, 1 << 20) == "");
    // A hole reads as zero.
    CHECK(guest.write(number, "end", 10000) == 3);
    CHECK(guest.read(number, 3, 9998) == std::string("\0\0e", 3));
    CHECK(guest.scheme->fsize(guest.caller, number) == 10003);
    CHECK(guest.write(number, "") == 0);
}

TEST_CASE_TEMPLATE("handles without an access mode refuse", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_file("f", "text");
    const auto reader = guest.open("f", OpenFlags::kRdonly).value();
    const auto writer = guest.open("f", OpenFlags::kWronly).value();
    const auto neither = guest.open("f", OpenFlags::kStat).value();
    CHECK(error_of(guest.write(reader, "x")) == Errno::kEBADF);
    CHECK(error_of(guest.read(writer)) == Errno::kEBADF);
    CHECK(error_of(guest.read(neither)) == Errno::kEBADF);
    CHECK(error_of(guest.write(neither, "x")) == Errno::kEBADF);
    CHECK(error_of(guest.scheme->ftruncate(guest.caller, reader, 0)) == Errno::kEBADF);
    CHECK(guest.read(reader) == "text");
    REQUIRE(guest.scheme->close(reader));
    CHECK(error_of(guest.read(reader)) == Errno::kEBADF);
    CHECK(error_of(guest.scheme->dup(guest.caller, writer, mem::UserIn::local("winsize"))) == Errno::kEINVAL);
    CHECK(error_of(guest.scheme->fevent(guest.caller, writer, 1)) == Errno::kEPERM);
    CHECK(guest.scheme->fcntl(guest.caller, writer, 3, 0) == 0);
}

TEST_CASE_TEMPLATE("O_APPEND writes at the end, whoever made it longer", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_file("f", "12");
    const auto one = guest.open("f", OpenFlags::kWronly | OpenFlags::kAppend).value();
    const auto two = guest.open("f", OpenFlags::kWronly).value();
    CHECK(guest.write(one, "3", 0, OpenFlags::kAppend) == 1);
    CHECK(guest.write(two, "4", 3) == 1);
    CHECK(guest.write(one, "5", 1, OpenFlags::kAppend | OpenFlags::kFsync) == 1);
    CHECK(guest.content("f") == "12345");
}

TEST_CASE_TEMPLATE("truncating", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_file("f", "0123456789");
    const auto number = guest.open("f", OpenFlags::kRdwr).value();
    REQUIRE(guest.scheme->ftruncate(guest.caller, number, 4));
    CHECK(guest.read(number) == "0123");
    REQUIRE(guest.scheme->ftruncate(guest.caller, number, 6));
    CHECK(guest.read(number) == std::string("0123\0\0", 6));
    CHECK_FALSE(guest.scheme->ftruncate(guest.caller, number, UINT64_MAX).has_value());
    REQUIRE(guest.scheme->fsync(guest.caller, number));
    CHECK(guest.stat(number).st_size == 6);
}

TEST_CASE_TEMPLATE("a link is made by writing its target and read back", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    const std::uint64_t make = OpenFlags::kCreat | OpenFlags::kWronly | OpenFlags::kSymlink | 0777;
    const auto number = guest.open("l", make).value();
    CHECK((guest.stat(number).st_mode & abi::Mode::kType) == abi::Mode::kSymlink);
    CHECK(guest.write(number, "target") == 6);
    CHECK(guest.stat(number).st_size == 6);
    REQUIRE(guest.scheme->close(number));
    const auto reader = guest.open("l", OpenFlags::kRdonly | OpenFlags::kSymlink).value();
    CHECK(guest.read(reader) == "target");
    CHECK(guest.read(reader, 3, 2) == "rge");
    CHECK(guest.open_error("l", make | OpenFlags::kExcl) == Errno::kEEXIST);
    // Without O_EXCL the link that is there is rewritten.
    CHECK(guest.write(guest.open("l", make).value(), "TAR") == 3);
    CHECK(guest.read(guest.open("l", OpenFlags::kRdonly | OpenFlags::kSymlink).value()) == "TARget");
    CHECK(error_of(guest.write(guest.open("l2", make).value(), std::string(5000, 'x'))) ==
          Errno::kENAMETOOLONG);
    CHECK(guest.list("").contains("l"));
}

TEST_CASE_TEMPLATE("an unlinked file stays usable until the last close", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_file("f", "text");
    const auto number = guest.open("f", OpenFlags::kRdwr).value();
    REQUIRE(guest.unlink("f"));
    CHECK(guest.open_error("f", OpenFlags::kRdonly) == Errno::kENOENT);
    CHECK(guest.read(number) == "text");
    CHECK(guest.write(number, "more", 4) == 4);
    CHECK(guest.stat(number).st_nlink == 0);
    CHECK(guest.stat(number).st_size == 8);
    CHECK(error_of(guest.scheme->frename(guest.caller, number, "g")) == Errno::kENOENT);
}

TEST_CASE_TEMPLATE("guest buffers: in place, indirect, bad", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    FakeMachineFactory machines;
    const auto space = mem::AddressSpace::create(guest.pool, machines);
    constexpr std::uint64_t kPage = machine::kPageSize;
    constexpr std::uint64_t kBase = 0x10'0000;
    constexpr std::uint64_t kPages = 4;
    const mem::MapRequest where{.address = kBase,
                                .size = kPages * kPage,
                                .placement = mem::Placement::kFixed,
                                .protection = {.write = true, .execute = false}};
    mem::MapSource source;
    SUBCASE("direct") {}
    SUBCASE("indirect") {
        source.object = guest.pool.allocate_indirect(kPages * kPage).value();
        source.kind = mem::GrantKind::kShared;
    }
    REQUIRE(space->map(where, source));

    std::string text(3 * kPage, '\0');
    for (std::size_t i = 0; i < text.size(); ++i)
        text[i] = static_cast<char>('a' + i % 26);
    guest.make_file("f", text);
    const auto number = guest.open("f", OpenFlags::kRdwr).value();
    const auto out = mem::UserOut::create(*space, kBase + 100, text.size()).value();
    REQUIRE(guest.scheme->read_at(guest.caller, number, out, 0, {}) == text.size());
    std::string copied(text.size(), '\0');
    REQUIRE(space->read(kBase + 100, std::as_writable_bytes(std::span(copied))));
    CHECK(copied == text);

    const auto in = mem::UserIn::create(*space, kBase + 100, text.size()).value();
    const auto other = guest.open("g", OpenFlags::kCreat | OpenFlags::kRdwr | 0644).value();
    REQUIRE(guest.scheme->write_at(guest.caller, other, in, 0, {}) == text.size());
    CHECK(guest.content("g") == text);

    // Half of the buffer is not there.
    const auto beyond = mem::UserOut::create(*space, kBase + kPages * kPage - 10, 20).value();
    CHECK(error_of(guest.scheme->read_at(guest.caller, number, beyond, 0, {})) == Errno::kEFAULT);
    const auto source_beyond = mem::UserIn::create(*space, kBase + kPages * kPage - 10, 20).value();
    CHECK(error_of(guest.scheme->write_at(guest.caller, number, source_beyond, 0, {})) == Errno::kEFAULT);
    REQUIRE(space->protect({kBase, kPage}, {.write = false, .execute = false}));
    CHECK(error_of(guest.scheme->read_at(guest.caller, number, out, 0, {})) == Errno::kEFAULT);
    CHECK(guest.content("f") == text);
}

TEST_CASE("a volume in memory has a limit") {
    InMemory kind;
    Guest guest(kind.volume());
    const auto number = guest.open("f", OpenFlags::kCreat | OpenFlags::kRdwr | 0644).value();
    const std::string megabyte(1 << 20, 'x');
    std::uint64_t written = 0;
    for (;;) {
        const auto count = guest.write(number, megabyte, written);
        if (!count) {
            CHECK(count.error() == Errno::kENOSPC);
            break;
        }
        written += *count;
        REQUIRE(written <= kMemLimit);
    }
    CHECK(written > kMemLimit - (64 << 10));
    // What is left is less than a page; nodes are smaller, but not free.
    const std::uint64_t make = OpenFlags::kCreat | OpenFlags::kExcl | OpenFlags::kDirectory;
    int made = 0;
    while (const auto directory = guest.open("d" + std::to_string(made), make))
        REQUIRE(++made < 8);
    CHECK(guest.open_error("full", make) == Errno::kENOSPC);
    REQUIRE(guest.scheme->ftruncate(guest.caller, number, 0));
    CHECK(guest.write(number, megabyte) == megabyte.size());
    abi::StatVfs vfs{};
    REQUIRE(guest.scheme->fstatvfs(guest.caller, number,
                                   mem::UserOut::local(std::as_writable_bytes(std::span(&vfs, 1)))));
    CHECK(vfs.f_bsize == 4096);
    CHECK(vfs.f_blocks == kMemLimit / 4096);
    CHECK(vfs.f_bfree < vfs.f_blocks - 255);
}
