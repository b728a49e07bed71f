// Removing, renaming, linking, on the host and in memory.

#include "tests/unit/schemes/file/file_fixture.h"

using namespace halfcell;
using namespace halfcell::test;

TEST_CASE_TEMPLATE("unlink and rmdir", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    constexpr std::uint64_t kDirectory = abi::AtFlags::kRemovedir;
    guest.make_file("f");
    guest.make_directory("d");
    guest.make_file("d/f");
    guest.make_link("l", "f");
    guest.make_link("way", "d");
    CHECK(error_of(guest.unlink("d")) == Errno::kEISDIR);
    CHECK(error_of(guest.unlink("f", kDirectory)) == Errno::kENOTDIR);
    CHECK(error_of(guest.unlink("l", kDirectory)) == Errno::kENOTDIR);
    CHECK(error_of(guest.unlink("d", kDirectory)) == Errno::kENOTEMPTY);
    CHECK(error_of(guest.unlink("missing")) == Errno::kENOENT);
    CHECK(error_of(guest.unlink("f/x")) == Errno::kENOTDIR);
    CHECK(error_of(guest.unlink("", kDirectory)) == Errno::kEBUSY);
    CHECK(error_of(guest.unlink("..", kDirectory)) == Errno::kEBUSY);
    REQUIRE(guest.unlink("way/f"));
    REQUIRE(guest.unlink("d", kDirectory));
    REQUIRE(guest.unlink("l"));
    CHECK(guest.stat("f").st_nlink == 1);
    REQUIRE(guest.scheme->unlinkat(guest.caller, guest.open("f", OpenFlags::kStat).value(), "../f", 0));
    CHECK(guest.list("").size() == 1);
}

TEST_CASE_TEMPLATE("unlink needs a writable parent", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_directory("d");
    guest.make_file("d/f");
    REQUIRE(guest.scheme->fchmod(guest.caller, guest.open("d", OpenFlags::kStat).value(), 0555));
    CHECK(error_of(guest.unlink("d/f")) == Errno::kEACCES);
    CHECK(guest.open("d/f", OpenFlags::kRdonly));
    REQUIRE(guest.scheme->fchmod(guest.caller, guest.open("d", OpenFlags::kStat).value(), 0755));
}

TEST_CASE_TEMPLATE("rename moves and replaces", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_directory("d");
    guest.make_directory("e");
    guest.make_directory("full");
    guest.make_file("full/x");
    guest.make_file("f", "f");
    guest.make_file("g", "g");
    guest.make_link("way", "d");
    const auto number = guest.open("f", OpenFlags::kRdonly).value();
    REQUIRE(guest.scheme->frename(guest.caller, number, "way/moved"));
    CHECK(guest.path(number) == "/scheme/file/d/moved");
    CHECK(guest.content("d/moved") == "f");
    CHECK(guest.open_error("f", OpenFlags::kRdonly) == Errno::kENOENT);
    REQUIRE(guest.rename("d/moved", "g"));
    CHECK(guest.content("g") == "f");
    REQUIRE(guest.rename("g", "g"));
    REQUIRE(guest.rename("way", "link"));
    CHECK((guest.stat("link").st_mode & abi::Mode::kType) == abi::Mode::kSymlink);

    CHECK(error_of(guest.rename("g", "d")) == Errno::kEACCES);
    CHECK(error_of(guest.rename("d", "g")) == Errno::kENOTDIR);
    CHECK(error_of(guest.rename("d", "full")) == Errno::kENOTEMPTY);
    CHECK(error_of(guest.rename("d", "d/inside")) == Errno::kEINVAL);
    CHECK(error_of(guest.rename("", "x")) == Errno::kEBUSY);
    CHECK(error_of(guest.rename("g", "")) == Errno::kEBUSY);
    CHECK(error_of(guest.rename("g", "missing/x")) == Errno::kENOENT);
    REQUIRE(guest.rename("full", "e"));
    CHECK(guest.list("e").contains("x"));
}

TEST_CASE_TEMPLATE("a rename of something that is no longer there", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_file("f", "old");
    const auto number = guest.open("f", OpenFlags::kStat).value();
    REQUIRE(guest.unlink("f"));
    guest.make_file("f", "new");
    CHECK(error_of(guest.scheme->frename(guest.caller, number, "g")) == Errno::kENOENT);
    CHECK(error_of(guest.scheme->flink(guest.caller, number, "g")) == Errno::kENOENT);
    CHECK(guest.content("f") == "new");
}

TEST_CASE_TEMPLATE("hard links", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_directory("d");
    guest.make_file("f", "text");
    REQUIRE(guest.link("f", "d/g"));
    CHECK(guest.stat("f").st_nlink == 2);
    CHECK(guest.stat("f").st_ino == guest.stat("d/g").st_ino);
    CHECK(guest.write(guest.open("d/g", OpenFlags::kWronly).value(), "TEXT") == 4);
    CHECK(guest.content("f") == "TEXT");
    CHECK(error_of(guest.link("f", "d/g")) == Errno::kEEXIST);
    CHECK(error_of(guest.link("d", "e")) == Errno::kEPERM);
    CHECK(error_of(guest.link("f", "missing/x")) == Errno::kENOENT);
    // Two names of one file: renaming one over the other changes nothing.
    REQUIRE(guest.rename("f", "d/g"));
    CHECK(guest.stat("f").st_nlink == 2);
    REQUIRE(guest.unlink("f"));
    CHECK(guest.stat("d/g").st_nlink == 1);
    guest.make_link("l", "nowhere");
    REQUIRE(guest.link("l", "l2"));
    CHECK((guest.stat("l2").st_mode & abi::Mode::kType) == abi::Mode::kSymlink);
}

TEST_CASE("in memory, the owner rules of redoxfs hold") {
    InMemory kind;
    Guest guest(kind.volume());
    guest.make_directory("mine", 0777);
    guest.make_file("mine/f", "x", 0666);
    guest.caller.uid = guest.caller.gid = kUser + 1;
    CHECK(error_of(guest.unlink("mine/f")) == Errno::kEACCES);
    CHECK(error_of(guest.rename("mine/f", "mine/g")) == Errno::kEACCES);
    CHECK(error_of(guest.link("mine/f", "mine/g")) == Errno::kEACCES);
    guest.make_file("mine/other", "y", 0600);
    CHECK(guest.stat("mine/other").st_uid == kUser + 1);
    // The directory is somebody else's, so even an own file cannot be renamed in it.
    CHECK(error_of(guest.rename("mine/other", "mine/g")) == Errno::kEACCES);
    const auto number = guest.open("mine/f", OpenFlags::kStat).value();
    CHECK(error_of(guest.scheme->fchmod(guest.caller, number, 0)) == Errno::kEPERM);
    guest.caller.uid = guest.caller.gid = 0;
    CHECK(guest.content("mine/other") == "y");
    REQUIRE(guest.rename("mine/other", "mine/f"));
    REQUIRE(guest.unlink("mine/f"));
}
