#include "tests/unit/syscall/syscall_fixture.h"

using namespace halfcell;
using namespace halfcell::abi;
using test::SyscallFixture;

TEST_CASE_FIXTURE(SyscallFixture, "OPENAT passes path and flags verbatim and keeps all flags but O_CLOEXEC") {
    constexpr std::uint64_t kFlags = 0x430101a4;
    CHECK_VALUE(call(SYS_OPENAT, kFile, put("a/../b//"), 8, kFlags, 0x1'00040000), 4);
    CHECK(text->asked.path == "a/../b//");
    CHECK(text->asked.number == 10);
    CHECK(text->asked.open_flags == kFlags);
    CHECK(text->asked.fcntl_flags == 0x40000);
    CHECK_VALUE(call(SYS_FCNTL, 4, FcntlCommand::kGetfl, 0), 0x420101a4);
    CHECK_VALUE(call(SYS_FCNTL, 4, FcntlCommand::kGetfd, 0), 0x1000000);
    CHECK(description(4).number() == HandleNumber{77});
    CHECK(description(4).scheme_id() == text_id);
    CHECK(description(4).positioned());
}

TEST_CASE_FIXTURE(SyscallFixture, "OPENAT takes empty paths and NULs") {
    CHECK_VALUE(call(SYS_OPENAT, kFile, 0, 0, 0, 0), 4);
    CHECK(text->asked.path.empty());
    CHECK_VALUE(call(SYS_OPENAT, kFile, put(std::string_view("a\0b", 3)), 3, 0, 0), 5);
    CHECK(text->asked.path == std::string_view("a\0b", 3));
}

TEST_CASE_FIXTURE(SyscallFixture, "OPENAT may be answered with a description that exists") {
    text->open_answer = *files->find(FdNumber{kPlain});
    CHECK_VALUE(call(SYS_OPENAT, kFile, put("x"), 1, OpenFlags::kCloexec, 0), 4);
    CHECK(*files->find(FdNumber{4}) == *files->find(FdNumber{kPlain}));
    CHECK(files->find_descriptor(FdNumber{4})->cloexec);
}

TEST_CASE_FIXTURE(SyscallFixture, "the ids of a filter replace those of root and nobody else's") {
    const std::uint64_t path = put("x");
    CHECK_VALUE(call(SYS_OPENAT_WITH_FILTER, kFile, path, 1, OpenFlags::kRdonly | 0xffff0000, 12, 34), 4);
    CHECK(text->asked.uid == 12);
    CHECK(text->asked.gid == 34);
    CHECK(text->asked.fcntl_flags == 0xcc0000);
    CHECK_VALUE(call(SYS_UNLINKAT_WITH_FILTER, kFile, path, 1, 0x200, 12, 34), 0);
    CHECK(text->asked.uid == 12);
    CHECK(text->asked.open_flags == 0x200);

    context->set_attributes({.pid = 7, .euid = 1000, .egid = 0});
    CHECK_VALUE(call(SYS_OPENAT_WITH_FILTER, kFile, path, 1, 0, 12, 34), 5);
    CHECK(text->asked.uid == 1000);
    CHECK(text->asked.gid == 0);
    CHECK_VALUE(call(SYS_UNLINKAT_WITH_FILTER, kFile, path, 1, 0, 12, 34), 0);
    CHECK(text->asked.uid == 1000);
}

TEST_CASE_FIXTURE(SyscallFixture, "UNLINKAT passes its flags verbatim") {
    CHECK_VALUE(call(SYS_UNLINKAT, kFile, put("dir/x"), 5, UINT64_MAX), 0);
    CHECK(text->asked.path == "dir/x");
    CHECK(text->asked.open_flags == UINT64_MAX);
}

// Recording p1, "flink/frename".
TEST_CASE_FIXTURE(SyscallFixture, "FLINK and FRENAME parse the path and hand on what is behind the scheme") {
    const auto flink = [&](std::string_view path) { return call(SYS_FLINK, kFile, put(path), path.size()); };
    const auto frename = [&](std::string_view path) {
        return call(SYS_FRENAME, kFile, put(path), path.size());
    };
    CHECK_VALUE(flink("/scheme/file/x"), 0);
    CHECK(text->asked.operation == "flink");
    CHECK(text->asked.path == "x");
    CHECK_ERRNO(flink("/a//b"), kEINVAL);
    CHECK_VALUE(flink("/"), 0);
    CHECK(text->asked.path.empty());
    CHECK_ERRNO(flink("rel"), kEINVAL);
    CHECK_VALUE(flink("x:y"), 0);
    CHECK(text->asked.path == "y");
    CHECK_ERRNO(frename("/a/../b"), kEINVAL);
    CHECK_VALUE(frename("/ok"), 0);
    CHECK(text->asked.operation == "frename");
    CHECK(text->asked.path == "ok");
    CHECK_ERRNO(frename(""), kEINVAL);
    CHECK_ERRNO(call(SYS_FLINK, kPlain, put("/ok"), 3), kEBADF);
}
