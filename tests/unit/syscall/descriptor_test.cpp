#include "tests/unit/syscall/syscall_fixture.h"

using namespace halfcell;
using namespace halfcell::abi;
using test::SyscallFixture;

namespace {
constexpr std::uint64_t kTag = kUpperFdtblTag;
}

// Recording p1, "fd basics".
TEST_CASE_FIXTURE(SyscallFixture, "DUP2 onto itself looks at nothing but the buffer's range") {
    CHECK_VALUE(call(SYS_DUP2, 50, 50, 0, 0), 50);
    CHECK_ERRNO(call(SYS_DUP2, 50, 50, kEnd, 0), kEFAULT);
    CHECK_VALUE(call(SYS_DUP2, 50, 50, 0x1000, 5), 50);
    CHECK(raw(SYS_DUP2, -1, -1, 0, 0) == UINT64_MAX);
}

TEST_CASE_FIXTURE(SyscallFixture, "DUP2 clears the place first, even when nothing will come into it") {
    CHECK_VALUE(call(SYS_DUP2, kFile, 40, 0, 0), 40);
    CHECK_ERRNO(call(SYS_DUP2, 77, 40, 0, 0), kEBADF);
    CHECK_ERRNO(call(SYS_READ, 40, kMemory, 0), kEBADF);
    CHECK_ERRNO(call(SYS_DUP2, kFile, 70000, 0, 0), kEMFILE);
    CHECK_ERRNO(call(SYS_DUP2, kFile, 65536, 0, 0), kEMFILE);
    CHECK_VALUE(call(SYS_DUP2, kFile, 65535, 0, 0), 65535);
    CHECK_VALUE(call(SYS_CLOSE, 65535), 0);
    CHECK_VALUE(call(SYS_DUP2, kFile, kTag | 20, 0, 0), kTag | 20);
    CHECK_VALUE(call(SYS_CLOSE, kTag | 20), 0);
    CHECK_ERRNO(call(SYS_CLOSE, -1), kEBADF);
    CHECK_ERRNO(call(SYS_CLOSE, std::uint64_t{1} << 63), kEBADF);
    CHECK_ERRNO(call(SYS_CLOSE, kTag | 12), kEBADF);
    CHECK_ERRNO(call(SYS_CLOSE, 65536), kEBADF);
}

TEST_CASE_FIXTURE(SyscallFixture, "DUP2 with a name opens, and puts the new description there") {
    CHECK_VALUE(call(SYS_DUP2, kFile, kStream, put("new"), 3), kStream);
    CHECK(text->asked.path == "new");
    CHECK(description(kStream).number() == HandleNumber{77});
    CHECK(text->closed() == std::vector<std::uint64_t>{11});
}

TEST_CASE_FIXTURE(SyscallFixture, "DUP without a name shares the description") {
    CHECK_VALUE(call(SYS_DUP, kFile, 0, 0), 4);
    CHECK(*files->find(FdNumber{4}) == *files->find(FdNumber{kFile}));
    CHECK_VALUE(call(SYS_CLOSE, kFile), 0);
    CHECK(text->closed().empty());
    CHECK_VALUE(call(SYS_CLOSE, 4), 0);
    CHECK(text->closed() == std::vector<std::uint64_t>{10});
}

TEST_CASE_FIXTURE(SyscallFixture, "DUP with a name makes a new description with the flags of the old") {
    description(kFile).set_flags(0x30000);
    description(kFile).set_offset(9);
    CHECK_VALUE(call(SYS_DUP, kFile, put("name"), 4), 4);
    CHECK(text->asked.operation == "dup");
    CHECK(text->asked.number == 10);
    CHECK(description(4).flags() == 0x30000);
    CHECK(description(4).offset() == 0);
    CHECK(description(4).positioned());
}

TEST_CASE_FIXTURE(SyscallFixture, "DUP with a name may be given a description that exists") {
    text->open_answer = *files->find(FdNumber{kPlain});
    CHECK_VALUE(call(SYS_DUP, kFile, put("name"), 4), 4);
    CHECK(*files->find(FdNumber{4}) == *files->find(FdNumber{kPlain}));
}

TEST_CASE_FIXTURE(SyscallFixture, "a handle opened for a full table is closed again") {
    const auto filler = *files->find(FdNumber{kPlain});
    while (files->add({filler, false}))
        continue;
    const std::uint64_t name = put("name");
    CHECK_ERRNO(call(SYS_DUP, kFile, name, 4), kEMFILE);
    CHECK_ERRNO(call(SYS_OPENAT, kFile, name, 4, 0, 0), kEMFILE);
    CHECK(text->closed() == std::vector<std::uint64_t>{77, 77});
    CHECK_ERRNO(call(SYS_DUP, kFile, 0, 0), kEMFILE);
    CHECK_ERRNO(call(SYS_FCNTL, kFile, FcntlCommand::kDupfd, 0), kEMFILE);
    CHECK_VALUE(call(SYS_DUP2, kFile, 4, 0, 0), 4);
}

TEST_CASE_FIXTURE(SyscallFixture,
                  "CLOSE returns what the scheme says, and the descriptor is gone all the same") {
    text->close_answer = fail(Errno::kEIO);
    CHECK_ERRNO(call(SYS_CLOSE, kFile), kEIO);
    CHECK_ERRNO(call(SYS_CLOSE, kFile), kEBADF);
}

TEST_CASE_FIXTURE(SyscallFixture, "CLOSE tells a scheme that asked for it which process detached") {
    description(kFile).set_notify_on_detach(true);
    CHECK_VALUE(call(SYS_DUP, kFile, 0, 0), 4);
    CHECK_VALUE(call(SYS_CLOSE, 4), 0);
    CHECK_VALUE(call(SYS_CLOSE, kFile), 0);
    CHECK(text->detached() == std::vector<std::pair<std::uint64_t, std::uint32_t>>{{10, 7}, {10, 7}});
}

// Recording p1, "fcntl".
TEST_CASE_FIXTURE(SyscallFixture, "F_GETFD and F_SETFD speak of O_CLOEXEC and ask no scheme") {
    const auto get = [&] { return call(SYS_FCNTL, kFile, FcntlCommand::kGetfd, 0); };
    CHECK_VALUE(get(), 0);
    CHECK_VALUE(call(SYS_FCNTL, kFile, FcntlCommand::kSetfd, 1), 0);
    CHECK_VALUE(get(), 0);
    CHECK_VALUE(call(SYS_FCNTL, kFile, FcntlCommand::kSetfd, OpenFlags::kCloexec), 0);
    CHECK_VALUE(get(), 0x1000000);
    CHECK(text->times_asked == 0);
}

TEST_CASE_FIXTURE(SyscallFixture,
                  "F_SETFL replaces everything but the access mode, after the scheme agreed") {
    description(kFile).set_flags(0x30000);
    CHECK_VALUE(call(SYS_FCNTL, kFile, FcntlCommand::kSetfl, UINT64_MAX), 0);
    CHECK(text->asked.command == FcntlCommand::kSetfl);
    CHECK(text->asked.argument == UINT64_MAX);
    // A C library would take this value for an error: it looks at the low half only.
    CHECK(raw(SYS_FCNTL, kFile, FcntlCommand::kGetfl, 0) == 0xffffffff);
    CHECK_VALUE(call(SYS_FCNTL, kFile, FcntlCommand::kSetfl, OpenFlags::kNonblock), 0);
    CHECK_VALUE(call(SYS_FCNTL, kFile, FcntlCommand::kGetfl, 0), 0x70000);
    text->refuse = Errno::kEACCES;
    CHECK_ERRNO(call(SYS_FCNTL, kFile, FcntlCommand::kSetfl, 0), kEACCES);
    CHECK_ERRNO(call(SYS_FCNTL, kFile, FcntlCommand::kGetfl, 0), kEACCES);
    CHECK(description(kFile).flags() == 0x70000);
}

TEST_CASE_FIXTURE(SyscallFixture, "an unknown command goes to the scheme and is EINVAL even if that agrees") {
    CHECK_ERRNO(call(SYS_FCNTL, kFile, 99, 5), kEINVAL);
    CHECK(text->asked.command == 99);
    CHECK(text->asked.argument == 5);
    text->refuse = Errno::kEACCES;
    CHECK_ERRNO(call(SYS_FCNTL, kFile, 99, 5), kEACCES);
}

TEST_CASE_FIXTURE(SyscallFixture, "F_DUPFD shares the description at or above a number") {
    CHECK_VALUE(call(SYS_FCNTL, kFile, FcntlCommand::kDupfd, 100), 100);
    CHECK_VALUE(call(SYS_FCNTL, kFile, FcntlCommand::kDupfd, 100), 101);
    CHECK_VALUE(call(SYS_FCNTL, 100, FcntlCommand::kGetfd, 0), 0);
    CHECK_VALUE(call(SYS_FCNTL, kFile, FcntlCommand::kDupfdCloexec, 100), 102);
    CHECK_VALUE(call(SYS_FCNTL, 102, FcntlCommand::kGetfd, 0), 0x1000000);
    CHECK_VALUE(call(SYS_FCNTL, 102, FcntlCommand::kDupfd, 0), 4);
    CHECK_VALUE(call(SYS_FCNTL, 4, FcntlCommand::kGetfd, 0), 0);
    CHECK_VALUE(call(SYS_FCNTL, kFile, FcntlCommand::kDupfd, 65535), 65535);
    CHECK_VALUE(call(SYS_FCNTL, kFile, FcntlCommand::kDupfd, 65535), 65536);
    CHECK_VALUE(call(SYS_FCNTL, kFile, FcntlCommand::kDupfd, 65536), 0x10001);
    CHECK_VALUE(call(SYS_FCNTL, kFile, FcntlCommand::kDupfd, kTag), kTag);
    CHECK_VALUE(call(SYS_FCNTL, kFile, FcntlCommand::kDupfd, kTag | 300), kTag | 300);
    CHECK_ERRNO(call(SYS_FCNTL, kFile, FcntlCommand::kDupfd, std::uint64_t{1} << 63), kEMFILE);
    CHECK(text->times_asked == 0);
}

TEST_CASE_FIXTURE(SyscallFixture, "FEVENT passes on the flags it knows") {
    CHECK_VALUE(call(SYS_FEVENT, kFile, 0xff), 2);
    CHECK(text->asked.argument == 3);
    CHECK_VALUE(call(SYS_FEVENT, kFile, 1), 0);
}
