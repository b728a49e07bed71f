// Stat, modes, owners, times, listings, on the host and in memory.

#include "tests/unit/schemes/file/file_fixture.h"

using namespace halfcell;
using namespace halfcell::test;

namespace {

struct Times {
    abi::TimeSpec access{};
    abi::TimeSpec modification{};
};

Result<std::uint64_t> set_times(Guest& guest, HandleNumber number, const Times& times) {
    return guest.scheme->futimens(guest.caller, number,
                                  mem::UserIn::local(std::as_bytes(std::span(&times, 1))));
}

}  // namespace

TEST_CASE_TEMPLATE("modes", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_file("f", "x", 0644);
    const auto number = guest.open("f", OpenFlags::kStat).value();
    REQUIRE(guest.scheme->fchmod(guest.caller, number, 0751));
    CHECK(guest.stat("f").st_mode == (abi::Mode::kFile | 0751));
    REQUIRE(guest.scheme->fchmod(guest.caller, number, 0xf000 | 0600));
    CHECK(guest.stat("f").st_mode == (abi::Mode::kFile | 0600));
    const auto open = guest.open("f", OpenFlags::kRdonly).value();
    REQUIRE(guest.scheme->fchmod(guest.caller, open, 0640));
    CHECK(guest.stat("f").st_mode == (abi::Mode::kFile | 0640));
    guest.make_directory("d", 01777);
    CHECK(guest.stat("d").st_mode == (abi::Mode::kDir | 01777));
}

TEST_CASE("set-user-id never reaches the host") {
    OnHost kind;
    Guest guest(kind.volume());
    guest.make_file("f", "x", 06755);
    CHECK(guest.stat("f").st_mode == (abi::Mode::kFile | 0755));
    REQUIRE(guest.scheme->fchmod(guest.caller, guest.open("f", OpenFlags::kStat).value(), 06711));
    CHECK(guest.stat("f").st_mode == (abi::Mode::kFile | 0711));
}

TEST_CASE_TEMPLATE("owners", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_file("f");
    const auto number = guest.open("f", OpenFlags::kStat).value();
    REQUIRE(guest.scheme->fchown(guest.caller, number, kUser, kUser));
    CHECK(error_of(guest.scheme->fchown(guest.caller, number, 0, 0)) == Errno::kEPERM);
    CHECK(guest.stat("f").st_uid == kUser);
}

TEST_CASE_TEMPLATE("times", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_file("f");
    const auto number = guest.open("f", OpenFlags::kStat).value();
    REQUIRE(set_times(guest, number, {{1000, 5}, {2000, 999'999'999}}));
    abi::Stat stat = guest.stat("f");
    CHECK(stat.st_atime_sec == 1000);
    CHECK(stat.st_atime_nsec == 5);
    CHECK(stat.st_mtime_sec == 2000);
    CHECK(stat.st_mtime_nsec == 999'999'999);
    CHECK(stat.st_ctime_sec > 1'000'000'000);
    REQUIRE(set_times(guest, number, {{0, file::kUtimeOmit}, {0, file::kUtimeNow}}));
    stat = guest.stat("f");
    CHECK(stat.st_atime_sec == 1000);
    CHECK(stat.st_mtime_sec > 1'000'000'000);
    CHECK(error_of(set_times(guest, number, {{0, 1'000'000'000}, {0, 0}})) == Errno::kEINVAL);
    CHECK(error_of(set_times(guest, number, {{0, 0}, {0, -1}})) == Errno::kEINVAL);
    CHECK(error_of(guest.scheme->futimens(guest.caller, number, mem::UserIn::local("short"))) ==
          Errno::kEINVAL);
}

TEST_CASE_TEMPLATE("stat and statvfs want room", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_file("f", std::string(5000, 'x'));
    const auto number = guest.open("f", OpenFlags::kStat).value();
    std::array<std::byte, sizeof(abi::Stat) - 1> small{};
    CHECK(error_of(guest.scheme->fstat(guest.caller, number, mem::UserOut::local(small))) == Errno::kEINVAL);
    CHECK(guest.stat(number).st_blocks * 512 >= 5000);
    CHECK(guest.stat(number).st_blocks * 512 < 64 * 1024);
    abi::StatVfs vfs{};
    REQUIRE(guest.scheme->fstatvfs(guest.caller, number,
                                   mem::UserOut::local(std::as_writable_bytes(std::span(&vfs, 1)))));
    CHECK(vfs.f_bsize == 4096);
    CHECK(vfs.f_blocks > 0);
    CHECK(vfs.f_bavail <= vfs.f_blocks);
}

TEST_CASE_TEMPLATE("paths", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_directory("d");
    CHECK(guest.path(guest.root) == "/scheme/file/");
    const auto number = guest.open("d", OpenFlags::kStat).value();
    std::array<std::byte, 8> small{};
    CHECK(guest.scheme->fpath(guest.caller, number, mem::UserOut::local(small)) == 8);
    CHECK(std::string(reinterpret_cast<const char*>(small.data()), 8) == "/scheme/");
}

TEST_CASE_TEMPLATE("listings come in pieces of any size", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_directory("d");
    CHECK(guest.list("d").empty());
    guest.make_directory("d/sub");
    guest.make_link("d/link", "x");
    for (int i = 0; i < 300; ++i)
        guest.make_file("d/file" + std::to_string(i));
    const auto number = guest.open("d", OpenFlags::kRdonly).value();
    for (const std::size_t size : {64, 512, 100000}) {
        const auto entries = guest.list(number, size);
        REQUIRE(entries.has_value());
        CHECK(entries->size() == 302);
        CHECK(entries->at("sub") == abi::DirentKind::kDirectory);
        CHECK(entries->at("link") == abi::DirentKind::kSymlink);
        CHECK(entries->at("file7") == abi::DirentKind::kRegular);
    }
    std::array<std::byte, 21> small{};
    CHECK(error_of(guest.scheme->getdents(guest.caller, number, mem::UserOut::local(small), 19, 0)) ==
          Errno::kEINVAL);
    CHECK(error_of(guest.scheme->getdents(guest.caller, number, mem::UserOut::local(small), 18, 0)) ==
          Errno::kEIO);
}

TEST_CASE_TEMPLATE("removing while listing neither skips nor repeats", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    for (int i = 0; i < 50; ++i)
        guest.make_file("file" + std::to_string(i));
    const auto number = guest.open("", OpenFlags::kRdonly).value();
    std::uint64_t next = 0;
    int removed = 0;
    for (;;) {
        std::array<std::byte, 100> buffer{};
        const auto length =
            guest.scheme->getdents(guest.caller, number, mem::UserOut::local(buffer), 19, next);
        REQUIRE(length.has_value());
        if (*length == 0) break;
        abi::DirentReader reader(reinterpret_cast<const std::uint8_t*>(buffer.data()), *length);
        abi::Dirent entry;
        while (reader.next(entry) == abi::DirentReader::Status::kEntry) {
            next = entry.header.next_opaque_id;
            REQUIRE(guest.unlink(std::string(entry.name, entry.name_length)));
            ++removed;
        }
    }
    CHECK(removed == 50);
    CHECK(guest.list("").empty());
    // Starting over shows the directory as it is now.
    guest.make_file("new");
    CHECK(guest.list(number).value().size() == 1);
}

TEST_CASE_TEMPLATE("a removed directory lists as empty", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_directory("d");
    const auto number = guest.open("d", OpenFlags::kRdonly).value();
    REQUIRE(guest.unlink("d", abi::AtFlags::kRemovedir));
    CHECK(guest.list(number).value().empty());
    CHECK(guest.list(number).value().empty());
}

TEST_CASE_TEMPLATE("inode numbers agree between stat and listing", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_file("f");
    const auto number = guest.open("", OpenFlags::kRdonly).value();
    std::array<std::byte, 100> buffer{};
    REQUIRE(guest.scheme->getdents(guest.caller, number, mem::UserOut::local(buffer), 19, 0));
    abi::DirentReader reader(reinterpret_cast<const std::uint8_t*>(buffer.data()), buffer.size());
    abi::Dirent entry;
    REQUIRE(reader.next(entry) == abi::DirentReader::Status::kEntry);
    const std::uint64_t inode = entry.header.inode;
    CHECK(inode == guest.stat("f").st_ino);
}
