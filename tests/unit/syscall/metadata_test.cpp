#include "tests/unit/syscall/syscall_fixture.h"

using namespace halfcell;
using namespace halfcell::abi;
using test::SyscallFixture;

TEST_CASE_FIXTURE(SyscallFixture, "FSTAT says that the device is the scheme") {
    CHECK_VALUE(call(SYS_FSTAT, kFile, kMemory, 104), 0);
    const auto stat = value_at<abi::Stat>(kMemory);
    CHECK(stat.st_dev == text_id.value());
    CHECK(stat.st_ino == 10);
    CHECK_ERRNO(call(SYS_FSTAT, kFile, kMemory, 103), kEINVAL);
    CHECK_ERRNO(call(SYS_FSTAT, kFile, kMemory, 7), kEINVAL);
    CHECK_ERRNO(call(SYS_FSTAT, kFile, kReadOnly, 104), kEFAULT);
}

TEST_CASE_FIXTURE(SyscallFixture, "FSTAT needs room for the device where the scheme needs none") {
    text->stat_needs_room = false;
    CHECK_ERRNO(call(SYS_FSTAT, kFile, kMemory, 7), kEIO);
    CHECK_ERRNO(call(SYS_FSTAT, kFile, kReadOnly, 8), kEFAULT);
    CHECK_VALUE(call(SYS_FSTAT, kFile, kMemory, 8), 0);
}

TEST_CASE_FIXTURE(SyscallFixture, "FSTATVFS and FPATH look at the buffer last") {
    CHECK_VALUE(call(SYS_FSTATVFS, kFile, kMemory, 32), 0);
    CHECK(value_at<abi::StatVfs>(kMemory).f_bavail == 3);
    CHECK_ERRNO(call(SYS_FSTATVFS, kFile, kMemory, 31), kEINVAL);
    CHECK_ERRNO(call(SYS_FSTATVFS, kFile, kEnd, 32), kEFAULT);
    CHECK_VALUE(call(SYS_FPATH, kFile, kMemory, 100), 15);
    CHECK(text_at(kMemory, 15) == "/scheme/text/10");
    CHECK_VALUE(call(SYS_FPATH, kFile, kMemory, 3), 3);
    CHECK_VALUE(call(SYS_FPATH, kFile, 0, 0), 0);
    CHECK_ERRNO(call(SYS_FPATH, kFile, kEnd, 1), kEFAULT);
}

TEST_CASE_FIXTURE(SyscallFixture, "numbers are cut to the width the scheme takes") {
    CHECK_VALUE(call(SYS_FCHMOD, kFile, 0xf'01ff), 0);
    CHECK(text->asked.argument == 0x1ff);
    CHECK_VALUE(call(SYS_FCHOWN, kFile, 0x1'00000001, UINT64_MAX), 0);
    CHECK(text->asked.argument == 1);
    CHECK(text->asked.command == UINT32_MAX);
    CHECK_VALUE(call(SYS_FTRUNCATE, kFile, -1), 0);
    CHECK(text->asked.argument == UINT64_MAX);
}

TEST_CASE_FIXTURE(SyscallFixture, "FUTIMENS passes a buffer of any length and returns the scheme's value") {
    CHECK_VALUE(call(SYS_FUTIMENS, kFile, kMemory, 32), 32);
    CHECK_VALUE(call(SYS_FUTIMENS, kFile, 0, 0), 0);
    CHECK_ERRNO(call(SYS_FUTIMENS, kFile, kEnd, 0), kEFAULT);
}

TEST_CASE_FIXTURE(SyscallFixture, "a call on a closed context is ESRCH") {
    context->die(std::nullopt);
    CHECK_ERRNO(call(SYS_YIELD), kESRCH);
}
