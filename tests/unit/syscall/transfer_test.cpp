#include "tests/unit/syscall/syscall_fixture.h"

using namespace halfcell;
using namespace halfcell::abi;
using test::SyscallFixture;

TEST_CASE_FIXTURE(SyscallFixture, "a positioned description is read from where it stands, and moves") {
    CHECK_VALUE(call(SYS_READ, kFile, kMemory, 5), 5);
    CHECK(text_at(kMemory, 5) == "Redox");
    CHECK(text->asked.offset == 0);
    CHECK_VALUE(call(SYS_READ, kFile, kMemory, 7), 7);
    CHECK(text->asked.offset == 5);
    CHECK(text_at(kMemory, 7) == "\n0.5.12");
    CHECK_VALUE(call(SYS_LSEEK, kFile, 0, 1), 12);
    CHECK_VALUE(call(SYS_WRITE, kFile, kMemory, 3), 3);
    CHECK(text->asked.offset == 12);
    CHECK_VALUE(call(SYS_LSEEK, kFile, 0, 1), 15);
}

TEST_CASE_FIXTURE(SyscallFixture, "other descriptions pass no offset and do not move") {
    description(kStream).set_offset(5);
    CHECK_VALUE(call(SYS_WRITE, kStream, put("abc"), 3), 3);
    CHECK(text->asked.offset == scheme::kNoOffset);
    CHECK_VALUE(call(SYS_READ, kStream, kMemory, 3), 3);
    CHECK(text->asked.offset == scheme::kNoOffset);
    CHECK(description(kStream).offset() == 5);
}

TEST_CASE_FIXTURE(SyscallFixture, "transfers pass the stored flags twice") {
    description(kFile).set_flags(0xabc0000);
    CHECK_VALUE(call(SYS_READ, kFile, kMemory, 1), 1);
    CHECK(text->asked.flags.call == 0xabc0000);
    CHECK(text->asked.flags.stored == 0xabc0000);
    CHECK(text->asked.pid == 7);
}

TEST_CASE_FIXTURE(SyscallFixture, "a length of zero still reaches the scheme") {
    CHECK_VALUE(call(SYS_READ, kFile, 0, 0), 0);
    CHECK(text->times_asked == 1);
}

TEST_CASE_FIXTURE(SyscallFixture, "an offset saturates instead of wrapping") {
    description(kFile).set_offset(UINT64_MAX - 1);
    CHECK_VALUE(call(SYS_WRITE, kFile, kMemory, 5), 5);
    CHECK(description(kFile).offset() == UINT64_MAX);
}

// Recording p1, "read2/write2".
TEST_CASE_FIXTURE(SyscallFixture,
                  "READ2 and WRITE2 take their own offset and leave the description's alone") {
    CHECK_VALUE(call(SYS_READ, kFile, kMemory, 5), 5);
    CHECK_VALUE(call(SYS_READ2, kFile, kMemory, 5, 0, -1), 5);
    CHECK_VALUE(call(SYS_READ2, kFile, kMemory, 100, 15, -1), 6);
    CHECK_VALUE(call(SYS_WRITE2, kFile, kMemory, 5, 3, -1), 5);
    CHECK(text->asked.offset == 3);
    CHECK_VALUE(call(SYS_READ2, kFile, kMemory, 5, -1, -1), 5);
    CHECK(text->asked.offset == scheme::kNoOffset);
    CHECK_VALUE(call(SYS_LSEEK, kFile, 0, 1), 5);
}

TEST_CASE_FIXTURE(SyscallFixture, "READ2 checks its flags before its buffer") {
    CHECK_ERRNO(call(SYS_READ2, kFile, kMemory, 5, 0, 4), kEINVAL);
    CHECK_ERRNO(call(SYS_READ2, kFile, kMemory, 5, 0, std::uint64_t{1} << 32), kEINVAL);
    CHECK_ERRNO(call(SYS_READ2, kFile, kEnd, 5, 0, 4), kEINVAL);
    CHECK_ERRNO(call(SYS_READ2, kFile, kEnd, 5, 0, 3), kEFAULT);
    CHECK_ERRNO(call(SYS_WRITE2, kFile, kEnd, 5, 0, 4), kEINVAL);
    CHECK_ERRNO(call(SYS_WRITE2, kFile, kEnd, 5, 0, 3), kEFAULT);
}

TEST_CASE_FIXTURE(SyscallFixture, "the flags of READ2 replace O_NONBLOCK and O_APPEND of the call only") {
    description(kFile).set_flags(0x30000 | 0x40000);
    CHECK_VALUE(call(SYS_READ2, kFile, kMemory, 1, 0, -1), 1);
    CHECK(text->asked.flags.call == 0x70000);
    CHECK_VALUE(call(SYS_READ2, kFile, kMemory, 1, 0, 0), 1);
    CHECK(text->asked.flags.call == 0x30000);
    CHECK(text->asked.flags.stored == 0x70000);
    CHECK_VALUE(call(SYS_READ2, kFile, kMemory, 1, 0, 2), 1);
    CHECK(text->asked.flags.call == 0xb0000);
    CHECK_VALUE(call(SYS_READ2, kFile, kMemory, 1, 0, 3), 1);
    CHECK(text->asked.flags.call == 0xf0000);
}

// Recording p1, "lseek".
TEST_CASE_FIXTURE(SyscallFixture, "LSEEK answers as recorded, also where seeking means nothing") {
    CHECK_VALUE(call(SYS_LSEEK, kPlain, 5, 0), 5);
    CHECK_VALUE(call(SYS_LSEEK, kPlain, 3, 1), 8);
    CHECK_ERRNO(call(SYS_LSEEK, kPlain, 0, 2), kESPIPE);
    CHECK_ERRNO(call(SYS_LSEEK, kPlain, 0, 3), kEINVAL);
    CHECK_ERRNO(call(SYS_LSEEK, 99, 0, 3), kEBADF);
    CHECK_ERRNO(call(SYS_LSEEK, kPlain, -1, 0), kEINVAL);
    CHECK_ERRNO(call(SYS_LSEEK, kPlain, -9, 1), kEINVAL);
    CHECK(raw(SYS_LSEEK, kPlain, INT64_MAX, 0) == INT64_MAX);
    CHECK_ERRNO(call(SYS_LSEEK, kPlain, 1, 1), kEOVERFLOW);
    CHECK(raw(SYS_LSEEK, kPlain, 0, 1) == INT64_MAX);
    CHECK(raw(SYS_LSEEK, kPlain, 0xffffffff, 0) == 0xffffffff);
}

TEST_CASE_FIXTURE(SyscallFixture, "SEEK_END counts from the scheme's size") {
    CHECK_VALUE(call(SYS_LSEEK, kFile, 0, 2), 21);
    CHECK_VALUE(call(SYS_READ, kFile, kMemory, 100), 0);
    CHECK_VALUE(call(SYS_LSEEK, kFile, -20, 2), 1);
    CHECK_ERRNO(call(SYS_LSEEK, kFile, -22, 2), kEINVAL);
    CHECK_ERRNO(call(SYS_LSEEK, kFile, INT64_MAX, 2), kEOVERFLOW);
}

TEST_CASE_FIXTURE(SyscallFixture, "GETDENTS takes one header size and passes the opaque id on") {
    CHECK_VALUE(call(SYS_GETDENTS, kFile, kMemory, 100, 19, 42), 100);
    CHECK(text->asked.argument == 42);
    CHECK(text->asked.command == 19);
    CHECK_ERRNO(call(SYS_GETDENTS, kFile, kMemory, 100, 20, 42), kEINVAL);
    CHECK_ERRNO(call(SYS_GETDENTS, kFile, kMemory, 100, 65536 + 19, 42), kEINVAL);
    CHECK_ERRNO(call(SYS_GETDENTS, kFile, kEnd, 100, 19, 42), kEFAULT);
}

TEST_CASE_FIXTURE(SyscallFixture, "a buffer that cannot be written is EFAULT") {
    CHECK_ERRNO(call(SYS_READ, kFile, kReadOnly, 5), kEFAULT);
    CHECK_ERRNO(call(SYS_READ, kFile, kUnmapped, 5), kEFAULT);
    CHECK_VALUE(call(SYS_WRITE, kFile, kReadOnly, 5), 5);
    // The last mapped bytes, and one more.
    CHECK_VALUE(call(SYS_WRITE, kStream, kMemory + kMemorySize - 4, 4), 4);
    CHECK_ERRNO(call(SYS_WRITE, kStream, kMemory + kMemorySize - 4, 5), kEFAULT);
}
