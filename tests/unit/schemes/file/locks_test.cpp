// Record locks: the table, and the calls that reach it.

#include "schemes/file/record_locks.h"

#include "tests/unit/schemes/file/file_fixture.h"

using namespace halfcell;
using namespace halfcell::file;
using namespace halfcell::test;

namespace {

constexpr FileKey kFile{1, 1};
constexpr std::uint64_t kTop = std::uint64_t{1} << 63;

RecordLock lock_of(std::uint64_t owner, std::uint64_t start, std::uint64_t end, bool exclusive) {
    return {.start = start,
            .end = end,
            .exclusive = exclusive,
            .owner = {LockOwner::Kind::kProcess, owner},
            .pid = static_cast<std::uint32_t>(owner)};
}

struct LockCaller {
    Guest& guest;
    HandleNumber number;
    Result<std::uint64_t> call(abi::StdFsCallKind kind, std::uint64_t start, std::uint64_t length,
                               std::span<std::byte> payload = {}) const {
        abi::StdFsCallMeta meta{};
        meta.kind = static_cast<std::uint8_t>(kind);
        meta.arg1 = start;
        meta.arg2 = length;
        return guest.scheme->std_fs_call(guest.caller, number, mem::UserInOut::local(payload), meta, detach);
    }
    mutable scheme::DetachWish detach = scheme::DetachWish::kNo;
};

}  // namespace

TEST_CASE("shared locks go together, exclusive ones do not") {
    RecordLocks locks;
    REQUIRE(locks.lock(kFile, lock_of(1, 0, 10, false)));
    REQUIRE(locks.lock(kFile, lock_of(2, 5, 15, false)));
    CHECK(error_of(locks.lock(kFile, lock_of(3, 9, 11, true))) == Errno::kEAGAIN);
    CHECK(error_of(locks.lock(kFile, lock_of(2, 0, 20, true))) == Errno::kEAGAIN);
    REQUIRE(locks.lock(kFile, lock_of(3, 15, 20, true)));
    REQUIRE(locks.lock({1, 2}, lock_of(3, 0, 20, true)));
    locks.release(kFile, {LockOwner::Kind::kProcess, 1});
    REQUIRE(locks.lock(kFile, lock_of(2, 0, 15, true)));
}

TEST_CASE("unlocking the middle splits a lock") {
    RecordLocks locks;
    REQUIRE(locks.lock(kFile, lock_of(1, 0, RecordLock::kToTheEnd, true)));
    locks.unlock(kFile, 10, 20, {LockOwner::Kind::kProcess, 1});
    REQUIRE(locks.lock(kFile, lock_of(2, 10, 20, true)));
    CHECK(error_of(locks.lock(kFile, lock_of(2, 9, 10, false))) == Errno::kEAGAIN);
    CHECK(error_of(locks.lock(kFile, lock_of(2, 20, 21, false))) == Errno::kEAGAIN);
    locks.unlock(kFile, 0, RecordLock::kToTheEnd, {LockOwner::Kind::kProcess, 1});
    locks.unlock(kFile, 0, RecordLock::kToTheEnd, {LockOwner::Kind::kProcess, 2});
    CHECK(locks.empty());
}

TEST_CASE("an owner replaces what it holds") {
    RecordLocks locks;
    REQUIRE(locks.lock(kFile, lock_of(1, 0, 10, true)));
    REQUIRE(locks.lock(kFile, lock_of(1, 0, 10, false)));
    REQUIRE(locks.lock(kFile, lock_of(2, 0, 10, false)));
    const auto held = locks.conflict(kFile, lock_of(3, 4, 5, true));
    REQUIRE(held.has_value());
    CHECK_FALSE(held->exclusive);
    CHECK_FALSE(locks.conflict(kFile, lock_of(3, 4, 5, false)).has_value());
}

TEST_CASE_TEMPLATE("lock calls", Kind, OnHost, InMemory) {
    using abi::StdFsCallKind;
    Kind kind;
    Guest guest(kind.volume());
    guest.make_file("f", "0123456789");
    const LockCaller first{guest, guest.open("f", OpenFlags::kRdwr).value()};
    const LockCaller second{guest, guest.open("f", OpenFlags::kRdwr).value()};
    CHECK(first.call(StdFsCallKind::kUnlock, 2, 4) == 0);
    CHECK(first.detach == scheme::DetachWish::kNo);
    CHECK(first.call(StdFsCallKind::kLock, 2, 4 | kTop) == 0);
    CHECK(first.detach == scheme::DetachWish::kYes);
    CHECK(error_of(first.call(StdFsCallKind::kRealpathat, 0, 0)) == Errno::kEOPNOTSUPP);
    CHECK(first.detach == scheme::DetachWish::kYes);
    // The same process may lock again through another handle.
    CHECK(second.call(StdFsCallKind::kLock, 2, 4) == 0);
    CHECK(second.call(StdFsCallKind::kLock, 2, 4 | kTop) == 0);
    // An OFD lock is somebody else's even in the same process.
    CHECK(error_of(second.call(StdFsCallKind::kLock, 0 | kTop, 0)) == Errno::kEAGAIN);

    guest.caller.pid = 11;
    CHECK(error_of(second.call(StdFsCallKind::kLock, 5, 1)) == Errno::kEAGAIN);
    CHECK(second.call(StdFsCallKind::kLock, 6, 1) == 0);
    std::array<std::uint64_t, 2> range{3, 1};
    const auto payload = std::as_writable_bytes(std::span(range));
    CHECK(second.call(StdFsCallKind::kGetLock, 0, 0, payload) == 10);
    CHECK(range[0] == 2);
    CHECK(range[1] == (4 | kTop));
    range = {0, 2};
    CHECK(error_of(second.call(StdFsCallKind::kGetLock, 0, 0, payload)) == Errno::kESRCH);
    CHECK(error_of(second.call(StdFsCallKind::kGetLock, 0, 0, payload.first(8))) == Errno::kEINVAL);

    // Process 10 closes one of its descriptors: POSIX takes all its locks on the file.
    REQUIRE(guest.scheme->detach(second.number, 10));
    CHECK(second.call(StdFsCallKind::kLock, 0, kTop) == 0);
    CHECK(second.call(StdFsCallKind::kUnlock, 0, 0) == 0);

    // OFD locks end with the handle.
    CHECK(first.call(StdFsCallKind::kLock, kTop, kTop) == 0);
    CHECK(error_of(second.call(StdFsCallKind::kLock, 0, 1)) == Errno::kEAGAIN);
    REQUIRE(guest.scheme->close(first.number));
    CHECK(second.call(StdFsCallKind::kLock, 0, 1) == 0);

    const LockCaller reader{guest, guest.open("f", OpenFlags::kRdonly).value()};
    CHECK(error_of(reader.call(StdFsCallKind::kLock, 0, 1 | kTop)) == Errno::kEBADF);
    CHECK(error_of(reader.call(StdFsCallKind::kRealpathat, 0, 0)) == Errno::kEOPNOTSUPP);
}
