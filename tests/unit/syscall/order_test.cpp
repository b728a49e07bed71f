// Which error wins when a call is wrong in several ways: the lines of recording p1, one by one. 99 is a
// closed descriptor, kEnd the first address no buffer may reach.

#include "tests/unit/syscall/syscall_fixture.h"

using namespace halfcell;
using namespace halfcell::abi;
using test::SyscallFixture;

TEST_CASE_FIXTURE(SyscallFixture, "EFAULT and EBADF come in upstream's order") {
    CHECK_ERRNO(call(SYS_READ, 99, kEnd, 1), kEFAULT);
    CHECK_ERRNO(call(SYS_WRITE, 99, kEnd, 1), kEFAULT);
    CHECK_ERRNO(call(SYS_READ2, 99, kEnd, 1, -1, -1), kEBADF);
    CHECK_ERRNO(call(SYS_WRITE2, 99, kEnd, 1, -1, -1), kEBADF);
    CHECK_ERRNO(call(SYS_FSTAT, 99, kEnd, 104), kEFAULT);
    CHECK_ERRNO(call(SYS_FSTATVFS, 99, kEnd, 32), kEBADF);
    CHECK_ERRNO(call(SYS_FPATH, 99, kEnd, 10), kEBADF);
    CHECK_ERRNO(call(SYS_OPENAT, 99, kEnd, 1, 0, 0), kEFAULT);
    CHECK_ERRNO(call(SYS_DUP, 99, kEnd, 1), kEFAULT);
    CHECK_ERRNO(call(SYS_FUTIMENS, 99, kEnd, 32), kEBADF);
    CHECK_ERRNO(call(SYS_GETDENTS, 99, kEnd, 10, 19, 0), kEBADF);
    CHECK_ERRNO(call(SYS_GETDENTS, 99, kEnd, 10, 18, 0), kEINVAL);
    CHECK_ERRNO(call(SYS_GETDENTS, 99, kEnd, 10, 70000, 0), kEINVAL);
    CHECK_ERRNO(call(SYS_CALL, 99, kEnd, 8, 0, 0), kEFAULT);
    CHECK_ERRNO(call(SYS_CALL, 99, 0, 0, 1 << 17, 0), kEINVAL);
    CHECK_ERRNO(call(SYS_CALL, 99, 0, 0, 1, kEnd), kEFAULT);
    CHECK_ERRNO(call(SYS_FLINK, 99, kEnd, 5), kEFAULT);
    CHECK_ERRNO(call(SYS_FRENAME, 99, put("nocolon"), 7), kEBADF);
    CHECK_ERRNO(call(SYS_UNLINKAT, 99, kEnd, 4, 0), kEFAULT);
    CHECK_ERRNO(call(SYS_FMAP, 99, kEnd, 32), kEFAULT);
    CHECK_ERRNO(call(SYS_FMAP, 99, kMemory, 16), kEINVAL);
    CHECK_ERRNO(call(SYS_SENDFD, 99, 99, 4, 0), kEINVAL);
    CHECK_ERRNO(call(SYS_SENDFD, 99, 99, 0, 0), kEBADF);
    CHECK_ERRNO(call(SYS_FEVENT, 99, 1), kEBADF);
    CHECK_ERRNO(call(SYS_FCNTL, 99, 77, 0), kEBADF);
    CHECK_ERRNO(call(SYS_FSYNC, 99), kEBADF);
    CHECK_ERRNO(call(SYS_FTRUNCATE, 99, 0), kEBADF);
    CHECK_ERRNO(call(SYS_CLOCK_GETTIME, 77, kEnd), kEFAULT);
    CHECK_ERRNO(call(SYS_CLOCK_GETTIME, 77, kMemory), kEINVAL);
    CHECK_ERRNO(call(SYS_READ, kFile, kEnd - 8, 8), kEFAULT);
    CHECK_ERRNO(call(SYS_READ, kFile, kEnd, 0), kEFAULT);
    CHECK_ERRNO(call(SYS_READ, 99, kEnd - 8, 7), kEBADF);
    CHECK_ERRNO(call(SYS_READ, 99, 0, 0), kEBADF);
    CHECK_ERRNO(call(SYS_READ, 99, 0, 5), kEBADF);
    CHECK_ERRNO(call(SYS_WRITE, kFile, kEnd - 4096, 4096), kEFAULT);
    CHECK_ERRNO(call(SYS_WRITE, kFile, 0, 5), kEFAULT);
    CHECK_ERRNO(call(SYS_WRITE, kFile, kUnmapped, 5), kEFAULT);
}

TEST_CASE_FIXTURE(SyscallFixture, "a path is measured, copied and read before its descriptor is looked at") {
    const std::string long_path(4096, 'a');
    put(long_path + "a");
    CHECK_ERRNO(call(SYS_OPENAT, kPlain, kMemory, 4097, 0, 0), kENAMETOOLONG);
    CHECK_ERRNO(call(SYS_OPENAT, 99, kMemory, 4097, 0, 0), kENAMETOOLONG);
    CHECK_VALUE(call(SYS_OPENAT, kFile, kMemory, 4096, 0, 0), 4);
    CHECK(text->asked.path == long_path);
    CHECK_ERRNO(call(SYS_OPENAT, 99, kUnmapped, 4, 0, 0), kEFAULT);
    put("\xff\xfe");
    CHECK_ERRNO(call(SYS_OPENAT, kFile, kMemory, 2, 0, 0), kEINVAL);
    CHECK_ERRNO(call(SYS_OPENAT, 99, kMemory, 2, 0, 0), kEINVAL);
    CHECK_ERRNO(call(SYS_UNLINKAT, 99, kMemory, 2, 0), kEINVAL);
    CHECK_ERRNO(call(SYS_OPENAT, 99, put("ok"), 2, 0, 0), kEBADF);
}

TEST_CASE_FIXTURE(SyscallFixture, "FLINK and FRENAME look at the descriptor between range and text") {
    put("\xff\xfe");
    CHECK_ERRNO(call(SYS_FLINK, 99, kMemory, 5000), kEBADF);
    CHECK_ERRNO(call(SYS_FLINK, kFile, kMemory, 5000), kENAMETOOLONG);
    CHECK_ERRNO(call(SYS_FLINK, kFile, kUnmapped, 5), kEFAULT);
    CHECK_ERRNO(call(SYS_FLINK, kFile, kMemory, 2), kEINVAL);
    // The path is read before the scheme is missed.
    CHECK_ERRNO(call(SYS_FLINK, kGone, put("rel"), 3), kEINVAL);
    CHECK_ERRNO(call(SYS_FLINK, kGone, put("/ok"), 3), kENODEV);
}

TEST_CASE_FIXTURE(SyscallFixture, "every call on a descriptor whose scheme has gone is ENODEV") {
    const std::uint64_t path = put("/a");
    CHECK_ERRNO(call(SYS_READ, kGone, kMemory, 1), kENODEV);
    CHECK_ERRNO(call(SYS_WRITE, kGone, kMemory, 1), kENODEV);
    CHECK_ERRNO(call(SYS_READ2, kGone, kEnd, 1, 0, 4), kENODEV);
    CHECK_ERRNO(call(SYS_WRITE2, kGone, kEnd, 1, 0, 4), kENODEV);
    CHECK_ERRNO(call(SYS_LSEEK, kGone, 0, 77), kENODEV);
    CHECK_ERRNO(call(SYS_GETDENTS, kGone, kEnd, 1, 19, 0), kENODEV);
    CHECK_ERRNO(call(SYS_FSTAT, kGone, kMemory, 104), kENODEV);
    CHECK_ERRNO(call(SYS_FSTATVFS, kGone, kEnd, 104), kENODEV);
    CHECK_ERRNO(call(SYS_FPATH, kGone, kEnd, 104), kENODEV);
    CHECK_ERRNO(call(SYS_FCHMOD, kGone, 0), kENODEV);
    CHECK_ERRNO(call(SYS_FCHOWN, kGone, 0, 0), kENODEV);
    CHECK_ERRNO(call(SYS_FSYNC, kGone), kENODEV);
    CHECK_ERRNO(call(SYS_FTRUNCATE, kGone, 0), kENODEV);
    CHECK_ERRNO(call(SYS_FUTIMENS, kGone, kEnd, 0), kENODEV);
    CHECK_ERRNO(call(SYS_FEVENT, kGone, 0), kENODEV);
    CHECK_ERRNO(call(SYS_FCNTL, kGone, FcntlCommand::kGetfl, 0), kENODEV);
    CHECK_ERRNO(call(SYS_FCNTL, kGone, FcntlCommand::kSetfl, 0), kENODEV);
    CHECK_ERRNO(call(SYS_FCNTL, kGone, 77, 0), kENODEV);
    CHECK_VALUE(call(SYS_FCNTL, kGone, FcntlCommand::kGetfd, 0), 0);
    CHECK_ERRNO(call(SYS_OPENAT, kGone, path, 2, 0, 0), kENODEV);
    CHECK_ERRNO(call(SYS_UNLINKAT, kGone, path, 2, 0), kENODEV);
    CHECK_ERRNO(call(SYS_DUP, kGone, path, 2), kENODEV);
    CHECK_VALUE(call(SYS_DUP, kGone, 0, 0), 4);
    CHECK_ERRNO(call(SYS_CALL, kGone, 0, 0, 0, 0), kENODEV);
    CHECK_ERRNO(call(SYS_SENDFD, kGone, 99, 0, 0), kENODEV);
    CHECK_ERRNO(call(SYS_FMAP, kGone, put_value(abi::Map{}), 32), kENODEV);
    CHECK_VALUE(call(SYS_CLOSE, 4), 0);
    CHECK_ERRNO(call(SYS_CLOSE, kGone), kENODEV);
    CHECK_ERRNO(call(SYS_CLOSE, kGone), kEBADF);
}

TEST_CASE_FIXTURE(SyscallFixture, "numbers that are no calls are ENOSYS") {
    CHECK_ERRNO(call(0), kENOSYS);
    CHECK_ERRNO(call(SYS_MKNS, 0, 0), kENOSYS);
    CHECK_ERRNO(call(0x21000003, kFile, kMemory, 1), kENOSYS);
    CHECK_ERRNO(call(UINT32_MAX), kENOSYS);
    CHECK_ERRNO(call(1), kENOSYS);
    CHECK_ERRNO(call(60), kENOSYS);
    CHECK_VALUE(call(SYS_YIELD, 1, 2, 3), 0);
}

TEST_CASE_FIXTURE(SyscallFixture, "a scheme that implements nothing answers with the kernel's defaults") {
    const std::uint64_t path = put("x");
    CHECK_ERRNO(call(SYS_READ, kPlain, kMemory, 1), kEBADF);
    CHECK_ERRNO(call(SYS_WRITE, kPlain, kMemory, 1), kEBADF);
    CHECK_ERRNO(call(SYS_READ2, kPlain, kMemory, 1, 0, -1), kESPIPE);
    CHECK_ERRNO(call(SYS_WRITE2, kPlain, kMemory, 1, 0, -1), kESPIPE);
    CHECK_ERRNO(call(SYS_READ2, kPlain, kMemory, 1, -1, -1), kEBADF);
    CHECK_ERRNO(call(SYS_FSTAT, kPlain, kMemory, 104), kEBADF);
    CHECK_ERRNO(call(SYS_FSTATVFS, kPlain, kMemory, 32), kEBADF);
    CHECK_ERRNO(call(SYS_FCHMOD, kPlain, 0), kEBADF);
    CHECK_ERRNO(call(SYS_FCHOWN, kPlain, 0, 0), kEBADF);
    CHECK_ERRNO(call(SYS_FTRUNCATE, kPlain, 0), kEBADF);
    CHECK_VALUE(call(SYS_FSYNC, kPlain), 0);
    CHECK_ERRNO(call(SYS_FUTIMENS, kPlain, kMemory, 32), kEBADF);
    CHECK_ERRNO(call(SYS_UNLINKAT, kPlain, path, 1, 0), kENOENT);
    CHECK_ERRNO(call(SYS_GETDENTS, kPlain, kMemory, 100, 19, 0), kEOPNOTSUPP);
    CHECK_VALUE(call(SYS_FEVENT, kPlain, 3), 0);
    CHECK_ERRNO(call(SYS_OPENAT, kPlain, path, 1, 0, 0), kEOPNOTSUPP);
    CHECK_ERRNO(call(SYS_DUP, kPlain, path, 1), kEOPNOTSUPP);
    CHECK_ERRNO(call(SYS_FMAP, kPlain, put_value(abi::Map{}), 32), kEOPNOTSUPP);
    CHECK_ERRNO(call(SYS_LSEEK, kPlain, 0, 2), kESPIPE);
    CHECK_ERRNO(call(SYS_CALL, kPlain, 0, 0, 0, 0), kEOPNOTSUPP);
    CHECK_VALUE(call(SYS_FCNTL, kPlain, FcntlCommand::kGetfl, 0), 0);
}
