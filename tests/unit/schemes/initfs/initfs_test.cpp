#include "schemes/initfs/initfs.h"

#include <doctest/doctest.h>

#include <string>

#include "abi/dirent.h"
#include "abi/flags.h"
#include "kernel_shim/scheme/event_registry.h"
#include "kernel_shim/scheme/registry.h"
#include "tests/support/fake_machine.h"

using namespace halfcell;
using abi::OpenFlags;

namespace {

constexpr std::string_view kLs = "\177ELF ls";
constexpr std::string_view kCat = "\177ELF cat";

struct Fixture {
    test::FakePool pool;
    scheme::EventRegistry events;
    scheme::SchemeRegistry registry{events};
    wait::Waiter waiter;
    scheme::Caller caller{.context = ContextId{1}, .pid = 1, .uid = 0, .gid = 0, .waiter = waiter};
    std::vector<memfs::FixedFile> files{{"bin/ls", std::as_bytes(std::span(kLs))},
                                        {"bin/cat", std::as_bytes(std::span(kCat))}};
    std::shared_ptr<file::FileScheme> scheme = initfs::create(files, pool).value();
    HandleNumber root;
    Fixture() {
        (void)registry.add(scheme).value();
        root = scheme->root().value().number;
    }
    Result<HandleNumber> open(std::string_view path, std::uint64_t flags) {
        auto opened = scheme->openat(caller, root, path, flags, 0);
        if (!opened) return fail(opened.error());
        return std::get<scheme::OpenedHandle>(*opened).number;
    }
};

}  // namespace

TEST_CASE("programs can be read and listed") {
    Fixture f;
    CHECK(f.scheme->name() == "initfs");
    const auto number = f.open("bin/ls", OpenFlags::kRdonly).value();
    std::string text(100, '\0');
    const auto out = mem::UserOut::local(std::as_writable_bytes(std::span(text)));
    REQUIRE(f.scheme->read_at(f.caller, number, out, 0, {}) == kLs.size());
    CHECK(text.starts_with(kLs));
    REQUIRE(f.scheme->fpath(f.caller, number, out) == 21);
    CHECK(text.starts_with("/scheme/initfs/bin/ls"));
    abi::Stat stat{};
    REQUIRE(
        f.scheme->fstat(f.caller, number, mem::UserOut::local(std::as_writable_bytes(std::span(&stat, 1)))));
    CHECK(stat.st_mode == (abi::Mode::kFile | 0555));
    CHECK(stat.st_size == kLs.size());
    const auto directory = f.open("bin", OpenFlags::kRdonly | OpenFlags::kDirectory).value();
    REQUIRE(f.scheme->getdents(f.caller, directory, out, sizeof(abi::DirentHeader), 0) ==
            2 * sizeof(abi::DirentHeader) + sizeof("cat") + sizeof("ls"));
}

TEST_CASE("nothing changes it, not even root") {
    Fixture f;
    CHECK(f.open("bin/ls", OpenFlags::kRdwr).error() == Errno::kEROFS);
    CHECK(f.open("bin/ls", OpenFlags::kRdonly | OpenFlags::kTrunc).error() == Errno::kEROFS);
    CHECK(f.open("bin/new", OpenFlags::kCreat | OpenFlags::kRdwr | 0644).error() == Errno::kEROFS);
    CHECK(f.open("bin/none", OpenFlags::kRdonly).error() == Errno::kENOENT);
    CHECK(f.scheme->unlinkat(f.caller, f.root, "bin/ls", 0).error() == Errno::kEROFS);
    const auto number = f.open("bin/ls", OpenFlags::kRdonly).value();
    CHECK(f.scheme->fchmod(f.caller, number, 0777).error() == Errno::kEROFS);
    CHECK(f.scheme->frename(f.caller, number, "bin/x").error() == Errno::kEROFS);
}

TEST_CASE("two files of one path are our mistake to report") {
    Fixture f;
    f.files.push_back(f.files.front());
    CHECK(initfs::create(f.files, f.pool).error() == Errno::kEEXIST);
}
