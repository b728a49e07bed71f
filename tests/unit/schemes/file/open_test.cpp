// Opening: the rows of the table in userland-contract.md 3.6, on the host and in memory.

#include "tests/unit/schemes/file/file_fixture.h"

using namespace halfcell;
using namespace halfcell::test;

TEST_CASE_TEMPLATE("a missing name without O_CREAT", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_file("f");
    CHECK(guest.open_error("missing", OpenFlags::kRdonly) == Errno::kENOENT);
    CHECK(guest.open_error("missing/x", OpenFlags::kRdonly) == Errno::kENOENT);
    CHECK(guest.open_error("f/x", OpenFlags::kRdonly) == Errno::kENOTDIR);
    CHECK(guest.open_error("f/x", OpenFlags::kCreat | OpenFlags::kRdwr) == Errno::kENOTDIR);
    CHECK(guest.open_error("missing/x", OpenFlags::kCreat | OpenFlags::kRdwr) == Errno::kENOENT);
    CHECK(guest.open_error(std::string_view("f\0x", 3), OpenFlags::kRdonly) == Errno::kEINVAL);
    CHECK(guest.open_error(std::string(300, 'n'), OpenFlags::kRdonly) == Errno::kENAMETOOLONG);
    CHECK(error_of(guest.open_at(HandleNumber{999}, "f", OpenFlags::kRdonly)) == Errno::kEBADF);
}

TEST_CASE_TEMPLATE("a directory without execute permission", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_directory("d");
    guest.make_file("d/f");
    const auto directory = guest.open("d", OpenFlags::kStat).value();
    REQUIRE(guest.scheme->fchmod(guest.caller, directory, 0600));
    CHECK(guest.open_error("d/f", OpenFlags::kRdonly) == Errno::kEACCES);
    REQUIRE(guest.scheme->fchmod(guest.caller, directory, 0700));
    CHECK(guest.open("d/f", OpenFlags::kRdonly));
}

TEST_CASE_TEMPLATE("creating", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    // The handle has the requested access whatever the mode.
    const auto number = guest.open("f", OpenFlags::kCreat | OpenFlags::kRdwr | 0400).value();
    CHECK(guest.write(number, "abc") == 3);
    CHECK(guest.read(number) == "abc");
    const abi::Stat stat = guest.stat(number);
    CHECK(stat.st_mode == (abi::Mode::kFile | 0400));
    CHECK(stat.st_dev == 0);
    CHECK(stat.st_size == 3);
    CHECK(stat.st_nlink == 1);
    CHECK(stat.st_blksize == 512);
    CHECK(stat.st_uid == kUser);

    CHECK(guest.open_error("f", OpenFlags::kCreat | OpenFlags::kExcl | OpenFlags::kRdonly) == Errno::kEEXIST);
    CHECK(guest.open("f", OpenFlags::kCreat | OpenFlags::kRdonly));
    CHECK(guest.open_error("f", OpenFlags::kRdwr) == Errno::kEACCES);

    guest.make_directory("d", 0750);
    CHECK(guest.stat("d").st_mode == (abi::Mode::kDir | 0750));
    CHECK(guest.open_error("d", OpenFlags::kCreat | OpenFlags::kExcl | OpenFlags::kDirectory) ==
          Errno::kEEXIST);
    CHECK(guest.open("d", OpenFlags::kCreat | OpenFlags::kRdonly));
    CHECK(guest.open_error("d", OpenFlags::kCreat | OpenFlags::kWronly) == Errno::kEISDIR);
    CHECK(guest.open_error("", OpenFlags::kCreat | OpenFlags::kExcl | OpenFlags::kDirectory) ==
          Errno::kEEXIST);

    // Without any access mode a file is made all the same; type bits of the mode mean nothing.
    const auto plain = guest.open("p", OpenFlags::kCreat | abi::Mode::kFifo | 0644).value();
    CHECK(guest.stat(plain).st_mode == (abi::Mode::kFile | 0644));
    CHECK(error_of(guest.read(plain)) == Errno::kEBADF);
    CHECK(error_of(guest.write(plain, "x")) == Errno::kEBADF);
}

TEST_CASE_TEMPLATE("creating needs a writable parent", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_directory("d", 0555);
    CHECK(guest.open_error("d/f", OpenFlags::kCreat | OpenFlags::kRdwr | 0644) == Errno::kEACCES);
    CHECK(guest.open_error("d/s", OpenFlags::kCreat | OpenFlags::kDirectory | 0755) == Errno::kEACCES);
    CHECK(guest.open_error("d/l", OpenFlags::kCreat | OpenFlags::kSymlink | OpenFlags::kWronly | 0777) ==
          Errno::kEACCES);
}

TEST_CASE_TEMPLATE("permissions of a file", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_file("none", "x", 0000);
    guest.make_file("readable", "x", 0400);
    guest.make_file("writable", "x", 0200);
    CHECK(guest.open_error("none", OpenFlags::kRdonly) == Errno::kEACCES);
    CHECK(guest.open("none", OpenFlags::kStat));
    CHECK(guest.open("readable", OpenFlags::kRdonly));
    CHECK(guest.open_error("readable", OpenFlags::kWronly) == Errno::kEACCES);
    CHECK(guest.open_error("readable", OpenFlags::kRdwr) == Errno::kEACCES);
    CHECK(guest.open("writable", OpenFlags::kWronly));
    CHECK(guest.open_error("writable", OpenFlags::kRdwr) == Errno::kEACCES);
    // O_TRUNC asks for the right to write whatever the access mode.
    CHECK(guest.open_error("readable", OpenFlags::kRdonly | OpenFlags::kTrunc) == Errno::kEACCES);
    CHECK(guest.stat("readable").st_size == 1);
}

TEST_CASE_TEMPLATE("truncating on open", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    for (const std::uint64_t access : {OpenFlags::kRdonly, OpenFlags::kWronly, OpenFlags::kRdwr, 0UL}) {
        const std::string name = "f" + std::to_string(access);
        guest.make_file(name, "content");
        CHECK(guest.open(name, access | OpenFlags::kTrunc));
        CHECK(guest.stat(name).st_size == 0);
    }
    guest.make_directory("d");
    CHECK(guest.open("d", OpenFlags::kRdonly | OpenFlags::kTrunc));
}

TEST_CASE_TEMPLATE("directories", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_directory("d");
    guest.make_directory("locked", 0300);
    guest.make_file("f");
    CHECK(guest.open_error("d", OpenFlags::kWronly) == Errno::kEISDIR);
    CHECK(guest.open_error("d", OpenFlags::kRdwr) == Errno::kEISDIR);
    CHECK(guest.open_error("locked", OpenFlags::kRdonly) == Errno::kEACCES);
    CHECK(guest.open_error("f", OpenFlags::kRdonly | OpenFlags::kDirectory) == Errno::kENOTDIR);
    CHECK(guest.open_error("f", OpenFlags::kStat | OpenFlags::kDirectory) == Errno::kENOTDIR);

    const auto number = guest.open("d", OpenFlags::kRdonly | OpenFlags::kDirectory).value();
    CHECK(error_of(guest.read(number)) == Errno::kEISDIR);
    CHECK(error_of(guest.write(number, "x")) == Errno::kEBADF);
    CHECK(error_of(guest.scheme->fcntl(guest.caller, number, 3, 0)) == Errno::kEBADF);
    CHECK(error_of(guest.scheme->fsync(guest.caller, number)) == Errno::kEBADF);
    CHECK(error_of(guest.scheme->ftruncate(guest.caller, number, 0)) == Errno::kEBADF);
    CHECK(error_of(guest.scheme->fevent(guest.caller, number, 1)) == Errno::kEPERM);
    CHECK(guest.stat(number).st_mode == (abi::Mode::kDir | 0755));

    const auto path_only = guest.open("d", OpenFlags::kStat).value();
    CHECK(error_of(guest.list(path_only)) == Errno::kEBADF);
    CHECK(guest.path(path_only) == "/scheme/file/d");
    CHECK(guest.open_at(path_only, "", OpenFlags::kRdonly));
    CHECK(error_of(guest.list(guest.open("f", OpenFlags::kRdonly).value())) == Errno::kENOTDIR);
}

TEST_CASE_TEMPLATE("links are followed unless they are meant themselves", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_directory("d");
    guest.make_file("d/f", "inside");
    guest.make_link("relative", "d/f");
    guest.make_link("absolute", "/d/f");
    guest.make_link("d/up", "../d/f");
    guest.make_link("beyond", "../../../../../d/f");
    guest.make_link("directory", "d");
    guest.make_link("dangling", "nowhere");
    for (const char* path :
         {"relative", "absolute", "d/up", "beyond", "directory/f", "directory/up", "directory/../d/f"}) {
        CAPTURE(path);
        CHECK(guest.content(path) == "inside");
    }
    // O_NOFOLLOW alone does not stop it; with O_STAT, or by O_SYMLINK, the link is what is opened.
    CHECK(guest.stat(guest.open("relative", OpenFlags::kRdonly | OpenFlags::kNofollow).value()).st_size == 6);
    CHECK(guest.stat(guest.open("relative", OpenFlags::kStat).value()).st_mode == (abi::Mode::kFile | 0644));
    const abi::Stat link = guest.stat("relative");
    CHECK((link.st_mode & abi::Mode::kType) == abi::Mode::kSymlink);
    CHECK(link.st_size == 3);
    CHECK(guest.read(guest.open("relative", OpenFlags::kRdonly | OpenFlags::kSymlink).value()) == "d/f");
    CHECK(guest.read(guest.open("dangling", OpenFlags::kRdonly | OpenFlags::kSymlink).value()) == "nowhere");
    CHECK(guest.read(guest.open("directory/up", OpenFlags::kRdonly | OpenFlags::kSymlink).value()) ==
          "../d/f");

    CHECK(guest.open_error("d/f", OpenFlags::kRdonly | OpenFlags::kSymlink) == Errno::kEINVAL);
    CHECK(guest.open("d", OpenFlags::kRdonly | OpenFlags::kSymlink));
    CHECK(guest.open_error("dangling", OpenFlags::kRdonly) == Errno::kENOENT);
    CHECK(guest.open_error("dangling", OpenFlags::kRdwr | OpenFlags::kCreat | 0644) == Errno::kENOENT);
    CHECK(guest.open_error("dangling", OpenFlags::kRdwr | OpenFlags::kCreat | OpenFlags::kExcl) ==
          Errno::kEEXIST);
    CHECK(guest.open("directory/new", OpenFlags::kRdwr | OpenFlags::kCreat | 0644));
    CHECK(guest.stat("d/new").st_size == 0);
    // A handle knows where it really is.
    CHECK(guest.path(guest.open("directory/up", OpenFlags::kRdonly).value()) == "/scheme/file/d/f");
}

TEST_CASE_TEMPLATE("links that leave the scheme, and loops", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_link("null", "/scheme/null");
    guest.make_link("tty", "libc:tty");
    guest.make_link("self", "self");
    guest.make_link("a", "b");
    guest.make_link("b", "a");
    CHECK(guest.open_error("null", OpenFlags::kRdonly) == Errno::kEXDEV);
    CHECK(guest.open_error("null/x", OpenFlags::kRdonly) == Errno::kEXDEV);
    CHECK(guest.open_error("tty", OpenFlags::kStat) == Errno::kEXDEV);
    CHECK(guest.open("tty", OpenFlags::kStat | OpenFlags::kNofollow));
    CHECK(guest.open_error("self", OpenFlags::kRdonly) == Errno::kELOOP);
    CHECK(guest.open_error("a", OpenFlags::kRdonly) == Errno::kELOOP);
    CHECK(guest.open_error("a/x", OpenFlags::kRdonly) == Errno::kELOOP);

    guest.make_file("end", "end");
    guest.make_link("chain0", "end");
    for (int i = 1; i <= 32; ++i)
        guest.make_link("chain" + std::to_string(i), "chain" + std::to_string(i - 1));
    CHECK(guest.content("chain31") == "end");
    CHECK(guest.open_error("chain32", OpenFlags::kRdonly) == Errno::kELOOP);
}

TEST_CASE_TEMPLATE("opens relative to a handle are lexical", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_directory("d");
    guest.make_directory("d/e");
    guest.make_file("d/f", "d/f");
    guest.make_file("f", "f");
    const auto deep = guest.open("d/e", OpenFlags::kStat).value();
    const auto content = [&](std::string_view path) {
        return guest.read(guest.open_at(deep, path, OpenFlags::kRdonly).value()).value();
    };
    CHECK(content("../f") == "d/f");
    CHECK(content("../../f") == "f");
    CHECK(content("../../../../f") == "f");
    CHECK(content("/f") == "f");
    CHECK(content("no-such/../../f") == "d/f");
    const auto file = guest.open("d/f", OpenFlags::kRdonly).value();
    CHECK(guest.read(guest.open_at(file, "", OpenFlags::kRdonly).value()) == "d/f");
    CHECK(error_of(guest.open_at(file, "x", OpenFlags::kRdonly)) == Errno::kENOTDIR);
}

TEST_CASE_TEMPLATE("a read-only volume", Kind, OnHost, InMemory) {
    Kind kind;
    {
        Guest guest(kind.volume());
        guest.make_directory("d");
        guest.make_file("f", "text", 0666);
    }
    Guest guest(kind.read_only());
    CHECK(guest.content("f") == "text");
    CHECK(guest.open("f", OpenFlags::kRdonly | OpenFlags::kCreat));
    CHECK(guest.open_error("f", OpenFlags::kWronly) == Errno::kEROFS);
    CHECK(guest.open_error("f", OpenFlags::kRdonly | OpenFlags::kTrunc) == Errno::kEROFS);
    CHECK(guest.open_error("f", OpenFlags::kRdonly | OpenFlags::kCreat | OpenFlags::kExcl) == Errno::kEEXIST);
    CHECK(guest.open_error("d", OpenFlags::kWronly) == Errno::kEISDIR);
    CHECK(guest.open_error("x", OpenFlags::kRdonly) == Errno::kENOENT);
    CHECK(guest.open_error("x", OpenFlags::kRdwr | OpenFlags::kCreat) == Errno::kEROFS);
    CHECK(guest.open_error("x", OpenFlags::kCreat | OpenFlags::kExcl | OpenFlags::kDirectory) ==
          Errno::kEROFS);
    CHECK(guest.open_error("x", OpenFlags::kCreat | OpenFlags::kWronly | OpenFlags::kSymlink) ==
          Errno::kEROFS);
    CHECK(error_of(guest.unlink("f")) == Errno::kEROFS);
    CHECK(error_of(guest.unlink("x")) == Errno::kENOENT);
    CHECK(error_of(guest.rename("f", "g")) == Errno::kEROFS);
    CHECK(error_of(guest.link("f", "g")) == Errno::kEROFS);
    const auto number = guest.open("f", OpenFlags::kStat).value();
    CHECK(error_of(guest.scheme->fchmod(guest.caller, number, 0600)) == Errno::kEROFS);
    CHECK(error_of(guest.scheme->fchown(guest.caller, number, kUser, kUser)) == Errno::kEROFS);
}
