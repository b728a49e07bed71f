// The checks of the memory calls; what the memory then does is tested with mem/.

#include "tests/unit/syscall/syscall_fixture.h"

using namespace halfcell;
using namespace halfcell::abi;
using test::SyscallFixture;

namespace {

struct Fixture : SyscallFixture {
    Result<std::uint64_t> fmap(std::uint64_t fd, std::uint64_t size, std::uint64_t flags,
                               std::uint64_t address = 0) {
        return call(SYS_FMAP, fd, put_value(abi::Map{0, size, flags, address}), 32);
    }
};
constexpr std::uint64_t kAnonymous = UINT64_MAX;
constexpr std::uint64_t kReadWrite = MapFlags::kProtRead | MapFlags::kProtWrite;

}  // namespace

TEST_CASE_FIXTURE(Fixture, "fresh memory is mapped, used and unmapped") {
    const auto base = fmap(kAnonymous, 0x2000, kReadWrite);
    REQUIRE(base);
    CHECK_VALUE(call(SYS_READ, kFile, *base + 0xffe, 5), 5);
    CHECK(text_at(*base + 0xffe, 5) == "Redox");
    CHECK_VALUE(call(SYS_MPROTECT, *base, 0x1000, MapFlags::kProtRead), 0);
    CHECK_ERRNO(call(SYS_READ, kFile, *base, 5), kEFAULT);
    CHECK_VALUE(call(SYS_FUNMAP, *base, 1), 0);
    CHECK_ERRNO(call(SYS_WRITE, kFile, *base, 5), kEFAULT);
    CHECK_VALUE(call(SYS_WRITE, kFile, *base + 0x1000, 5), 5);
}

TEST_CASE_FIXTURE(Fixture, "FMAP checks range, length and bytes before the descriptor") {
    CHECK_ERRNO(call(SYS_FMAP, kClosed, kEnd, 32), kEFAULT);
    CHECK_ERRNO(call(SYS_FMAP, kClosed, kMemory, 31), kEINVAL);
    CHECK_ERRNO(call(SYS_FMAP, kClosed, kUnmapped, 32), kEFAULT);
    CHECK_ERRNO(fmap(kClosed, 0, 0), kEBADF);
    CHECK_ERRNO(fmap(kAnonymous, 0, 0), kEINVAL);
    CHECK_ERRNO(fmap(kAnonymous, 100, 0), kEINVAL);
    CHECK_ERRNO(fmap(kAnonymous, 0x1000, 0, 1), kEINVAL);
    CHECK_ERRNO(fmap(kAnonymous, 0x1000, MapFlags::kMapFixed, kEnd), kEINVAL);
    CHECK_ERRNO(fmap(kAnonymous, 0x1000, MapFlags::kMapFixedNoreplace, kMemory), kEEXIST);
}

TEST_CASE_FIXTURE(Fixture, "a file's FMAP is the scheme's, and keeps the description") {
    CHECK_VALUE(fmap(kFile, 123, kReadWrite), 0x12340000);
    CHECK(text->asked.operation == "fmap");
    CHECK(text->asked.argument == 123);
    CHECK(text->kept == *files->find(FdNumber{kFile}));
    text->kept = {};
}

TEST_CASE_FIXTURE(Fixture, "FUNMAP rounds its length up, MPROTECT does not round") {
    CHECK_ERRNO(call(SYS_FUNMAP, kMemory, 0), kEINVAL);
    CHECK_ERRNO(call(SYS_FUNMAP, kMemory + 1, 0x1000), kEINVAL);
    CHECK_ERRNO(call(SYS_FUNMAP, kMemory, UINT64_MAX), kEINVAL);
    CHECK_ERRNO(call(SYS_FUNMAP, kMemory, UINT64_MAX - 4095), kEINVAL);
    CHECK_ERRNO(call(SYS_FUNMAP, kEnd, 0x1000), kEINVAL);
    CHECK_VALUE(call(SYS_FUNMAP, 0x500000000, 0x1000), 0);
    CHECK_ERRNO(call(SYS_MPROTECT, kMemory, 100, 0), kEINVAL);
    CHECK_ERRNO(call(SYS_MPROTECT, kMemory, 0, 0), kEINVAL);
    CHECK_ERRNO(call(SYS_MPROTECT, UINT64_MAX - 4095, 0x1000, 0), kEINVAL);
    CHECK_VALUE(call(SYS_MPROTECT, 0x500000000, 0x1000, UINT64_MAX), 0);
}

TEST_CASE_FIXTURE(Fixture, "MREMAP moves") {
    const auto base = fmap(kAnonymous, 0x1000, kReadWrite);
    REQUIRE(base);
    CHECK_VALUE(call(SYS_READ, kFile, *base, 5), 5);
    CHECK_ERRNO(call(SYS_MREMAP, *base, 1, 0, 0x1000, 0), kEINVAL);
    const auto moved = call(SYS_MREMAP, *base, 0x1000, 0, 0x2000, kReadWrite);
    REQUIRE(moved);
    CHECK(text_at(*moved, 5) == "Redox");
    CHECK_ERRNO(call(SYS_WRITE, kFile, *base, 5), kEFAULT);
}
