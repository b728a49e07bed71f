// Address spaces and signal pages through kernel.proc: oracle/p6 (sighandler), p2 and spec section 14.

#include "abi/sigabi.h"
#include "kernel_shim/scheme/file_grant_owner.h"
#include "tests/unit/schemes/proc/proc_fixture.h"

namespace halfcell::test {
namespace {

constexpr std::uint64_t kUserEnd = std::uint64_t{1} << 47;
constexpr std::uint64_t kReadWrite = abi::MapFlags::kProtRead | abi::MapFlags::kProtWrite;
constexpr std::uint64_t kMmap = abi::AddrspaceOp::kMmap;
constexpr std::uint64_t kMunmap = abi::AddrspaceOp::kMunmap;
constexpr std::uint64_t kMprotect = abi::AddrspaceOp::kMprotect;
constexpr std::uint64_t kTransfer = abi::AddrspaceOp::kTransfer;
constexpr std::uint64_t kNoFile = UINT64_MAX;

struct SpaceFixture : ProcFixture {
    std::int64_t space_fd = dup(self, "addrspace");
    mem::AddressSpace& space = *caller_context->address_space();
};

TEST_CASE_FIXTURE(SpaceFixture, "the grant list counts what it made even where the buffer is too short") {
    for (const std::uint64_t address : {0x1000, 0x3000, 0x5000})
        REQUIRE(write_words(space_fd,
                            {kMmap, kNoFile, 0, address, 0x1000, kReadWrite | abi::MapFlags::kMapFixed}) ==
                static_cast<std::int64_t>(address));
    const std::int64_t fd = dup(self, "addrspace");
    std::array<abi::GrantDesc, 4> grants{};
    CHECK(read(fd, grants.data(), sizeof(abi::GrantDesc)) == 96);
    CHECK(grants[0].base == 0x1000);
    CHECK(grants[0].size == 0x1000);
    CHECK(grants[0].flags == 3);
    CHECK(grants[0].offset == UINT64_MAX);
    CHECK(grants[1].base == 0);
    CHECK(read(fd, grants.data(), sizeof grants) == 0);
    const std::int64_t whole = dup(self, "addrspace");
    CHECK(read(whole, grants.data(), 40) == 96);
    CHECK(grants[1].base == 0);
    // An operation moves the offset by the address it returns.
    CHECK(read(space_fd, grants.data(), sizeof grants) == 0);
}

TEST_CASE_FIXTURE(SpaceFixture, "at most sixteen grants come at once") {
    for (std::uint64_t i = 0; i < 20; ++i)
        REQUIRE(space.map(
            {.address = 0x10000 + i * 0x2000, .size = 0x1000, .placement = mem::Placement::kFixed}, {}));
    std::array<abi::GrantDesc, 32> grants{};
    CHECK(read(space_fd, grants.data(), sizeof grants) == 16 * 32);
    CHECK(read(space_fd, grants.data(), sizeof grants) == 4 * 32);
    CHECK(grants[3].base == 0x10000 + 19 * 0x2000);
    CHECK(read(space_fd, grants.data(), sizeof grants) == 0);
}

TEST_CASE_FIXTURE(SpaceFixture, "operations on an address space check their words first") {
    CHECK(write_words(space_fd, {}) == error(Errno::kEINVAL));
    CHECK(write_words(space_fd, {9, 0, 0, 0, 0, 0}) == error(Errno::kEINVAL));
    CHECK(write_words(space_fd, {kMmap, kNoFile, 0, 0, 0x1000}) == error(Errno::kEINVAL));
    CHECK(write_words(space_fd, {kMmap, kNoFile, 0, 1, 0x1000, kReadWrite}) == error(Errno::kEINVAL));
    CHECK(write_words(space_fd, {kMmap, kNoFile, 0, 0, 0, kReadWrite}) == error(Errno::kEINVAL));
    CHECK(write_words(space_fd, {kMmap, kNoFile, 0, kUserEnd, 0x1000, kReadWrite}) == error(Errno::kEFAULT));
    CHECK(write_words(space_fd, {kMmap, kNoFile, 0, 0, 0x1000, kReadWrite | 0x20}) == error(Errno::kEINVAL));
    CHECK(write_words(space_fd, {kMmap, 99, 0, 0, 0x1000, kReadWrite}) == error(Errno::kEBADF));
    CHECK(write_words(space_fd, {kTransfer, kNoFile, 0, 0, 0x1000, kReadWrite}) == error(Errno::kEOPNOTSUPP));
    CHECK(write_words(space_fd, {kMunmap, 0x1000}) == error(Errno::kEINVAL));
    CHECK(write_words(space_fd, {kMunmap, 0x1000, 1}) == error(Errno::kEINVAL));
    CHECK(write_words(space_fd, {kMprotect, 0x1000, 0x1000}) == error(Errno::kEINVAL));
    CHECK(write_words(space_fd, {kMprotect, 0x1000, 0x1000, UINT64_MAX}) == error(Errno::kEINVAL));
    CHECK(space.describe().empty());
}

TEST_CASE_FIXTURE(SpaceFixture, "an address space is filled and emptied from outside") {
    CHECK(write_words(space_fd, {kMmap, kNoFile, 0, 0, 0x3000, kReadWrite}) == 0x1000);
    CHECK(write_words(space_fd, {kMprotect, 0x2000, 0x1000, 0}) == 32);
    CHECK(space.describe().size() == 3);
    CHECK(write_words(space_fd, {kMunmap, 0x1000, 0x3000}) == 24);
    CHECK(space.describe().empty());
    const std::uint64_t shared = kReadWrite | abi::MapFlags::kMapShared;
    CHECK(write_words(space_fd, {kMmap, kNoFile, 0, 0, 0x1000, shared}) == 0x1000);
    CHECK(space.describe().front().flags == 0xb);
}

TEST_CASE_FIXTURE(SpaceFixture, "an empty address space is one of its own") {
    const std::int64_t other = dup(space_fd, "empty");
    CHECK(write_words(other, {kMmap, kNoFile, 0, 0, 0x1000, kReadWrite}) == 0x1000);
    CHECK(space.describe().empty());
    CHECK(dup(space_fd, "bogus") == error(Errno::kEINVAL));
}

TEST_CASE_FIXTURE(SpaceFixture, "the lowest address for placement is a word") {
    for (const std::int64_t fd : {dup(self, "mmap-min-addr"), dup(space_fd, "mmap-min-addr")}) {
        std::uint64_t lowest = 0;
        CHECK(read(fd, &lowest, 8) == 8);
        CHECK(lowest == 0x1000);
        CHECK(read(fd, &lowest, 7) == error(Errno::kEINVAL));
        CHECK(write_words(fd, {0x1001}) == error(Errno::kEINVAL));
        CHECK(write_words(fd, {kUserEnd + 0x1000}) == error(Errno::kEINVAL));
        CHECK(write_words(fd, {kUserEnd}) == 8);
        CHECK(write_words(fd, {0x1000}) == 8);
    }
}

TEST_CASE_FIXTURE(SpaceFixture, "a grant that shows a file gives the file back") {
    const auto recorder = std::make_shared<RecordingScheme>();
    const SchemeId id = *kernel.schemes.add(recorder);
    auto file =
        scheme::DescriptionRef::create({.scheme = recorder, .scheme_id = id, .number = HandleNumber{9}});
    REQUIRE(space.map({.address = 0x10000, .size = 0x2000, .placement = mem::Placement::kFixed},
                      {.kind = mem::GrantKind::kFile,
                       .object = *pool.allocate(0x2000),
                       .owner = std::make_shared<scheme::FileGrantOwner>(file)}));
    REQUIRE(space.map({.address = 0x20000, .size = 0x1000, .placement = mem::Placement::kFixed}, {}));
    const std::int64_t found = dup(space_fd, "grant-fd-0000000000011000");
    REQUIRE(found >= 0);
    CHECK(*caller_context->files()->find(FdNumber{static_cast<std::uint64_t>(found)}) == file);
    CHECK(dup(space_fd, "grant-fd-20000") == error(Errno::kEBADF));
    CHECK(dup(space_fd, "grant-fd-30000") == error(Errno::kEINVAL));
    CHECK(dup(space_fd, "grant-fd-10001") == error(Errno::kEINVAL));
    CHECK(dup(space_fd, "grant-fd-") == error(Errno::kEINVAL));
    CHECK(dup(space_fd, "grant-fd-xyz") == error(Errno::kEINVAL));
    close(found);
    REQUIRE(space.unmap({0x10000, 0x2000}));
    CHECK(recorder->closed().empty());
    file = {};
    CHECK(recorder->closed() == std::vector<std::uint64_t>{9});
}

TEST_CASE_FIXTURE(SpaceFixture, "an address space is not mapped into itself") {
    CHECK(fmap(space_fd, {.offset = 0x1000, .size = 0x1000}) == error(Errno::kEBUSY));
    CHECK(fmap(self, {.offset = 0, .size = 0x1000}) == error(Errno::kEBADF));
    const std::int64_t other = dup(space_fd, "empty");
    CHECK(fmap(other, {.offset = 0x1000, .size = 1}) == error(Errno::kEINVAL));
    CHECK(fmap(other, {.offset = 0x1000, .size = 0x1000, .address = kUserEnd}) == error(Errno::kEFAULT));
    CHECK(fmap(other, {.offset = 0x1001, .size = 0x1000}) == error(Errno::kEINVAL));
}

TEST_CASE_FIXTURE(SpaceFixture, "one address space shows, and takes, the memory of another") {
    const std::int64_t other = dup(space_fd, "empty");
    REQUIRE(write_words(other, {kMmap, kNoFile, 0, 0x10000, 0x1000, abi::MapFlags::kMapFixed}) == 0x10000);
    CHECK(fmap(other, {.offset = 0x20000, .size = 0x1000, .flags = kReadWrite}) == error(Errno::kEINVAL));
    const std::int64_t window = fmap(other, {.offset = 0x10000, .size = 0x1000, .flags = kReadWrite});
    REQUIRE(window > 0);
    const std::byte mark{0x55};
    REQUIRE(space.write(static_cast<std::uint64_t>(window), std::span(&mark, 1)));
    CHECK(space.describe().back().flags == 0xb);
    const auto moved = write_words(space_fd, {kTransfer, static_cast<std::uint64_t>(other), 0x10000, 0x40000,
                                              0x1000, kReadWrite | abi::MapFlags::kMapFixed});
    CHECK(moved == 0x40000);
    std::byte seen{};
    REQUIRE(space.read(0x40000, std::span(&seen, 1)));
    CHECK(seen == mark);
}

TEST_CASE_FIXTURE(SpaceFixture, "an exclusive copy goes its own way") {
    const std::int64_t page = anonymous(0x1000);
    const std::int64_t copy = dup(space_fd, "exclusive");
    REQUIRE(copy >= 0);
    abi::GrantDesc grant{};
    CHECK(read(copy, &grant, sizeof grant) == 32);
    CHECK(grant.base == static_cast<std::uint64_t>(page));
    REQUIRE(write_words(copy, {kMunmap, grant.base, 0x1000}) == 24);
    CHECK(space.describe().size() == 1);
}

struct SignalFixture : SpaceFixture {
    std::uint64_t pages = static_cast<std::uint64_t>(anonymous(0x3000));
    std::uint64_t shared = static_cast<std::uint64_t>(anonymous(0x1000, true, mem::GrantKind::kShared));
    std::uint64_t read_only = static_cast<std::uint64_t>(anonymous(0x1000, false));
    std::int64_t handle = dup(self, "sighandler");

    std::int64_t set(std::uint64_t user, std::uint64_t exception, std::uint64_t thread,
                     std::uint64_t process) {
        return write_words(handle, {user, exception, thread, process});
    }
};

TEST_CASE_FIXTURE(SignalFixture, "a sighandler write is checked as the real kernel does") {
    const std::uint64_t second = pages + 0x1000;
    CHECK(write_words(handle, {1, 2, 3}) == error(Errno::kEINVAL));
    CHECK(set(kUserEnd, 0, pages, second) == error(Errno::kEPERM));
    CHECK(set(0, 0, pages, second) == error(Errno::kEINVAL));
    CHECK(set(0x2000, kUserEnd, pages, second) == error(Errno::kEPERM));
    CHECK(set(0x2000, 0, kUserEnd, second) == error(Errno::kEFAULT));
    CHECK(set(0x2000, 0, shared, second) == error(Errno::kEPERM));
    CHECK(set(0x2000, 0, read_only, second) == error(Errno::kENOMEM));
    CHECK(set(0x2000, 0, 0x777000000, second) == error(Errno::kEINVAL));
    CHECK(set(0x2000, 0, pages + 4, second) == error(Errno::kEINVAL));
    CHECK(set(0x2000, 0, pages + 3808, second) == error(Errno::kEINVAL));
    CHECK(set(0x2000, 0, pages + 3800, second) == error(Errno::kEINVAL));
    CHECK(set(0x2000, 0, pages + 3792, second + 8) == error(Errno::kEINVAL));
    CHECK(caller_context->signals() == nullptr);
    CHECK(set(0x2000, 0, pages + 3792, second) == 32);
    abi::SetSighandlerData wire{1, 1, 1, 1};
    CHECK(read(handle, &wire, sizeof wire) == 32);
    CHECK(wire.user_handler == 0x2000);
    CHECK(wire.excp_handler == 0);
    CHECK(wire.thread_control_addr == 3792);
    CHECK(wire.proc_control_addr == 0);
}

TEST_CASE_FIXTURE(SignalFixture, "the control pages can be mapped again and are the same memory") {
    CHECK(fmap(handle, {.offset = 0, .size = 4096}) == error(Errno::kEBADF));
    REQUIRE(set(0x2000, 0, pages + 0x1000, pages + 0x2000) == 32);
    CHECK(fmap(handle, {.offset = 8192, .size = 4096}) == error(Errno::kEINVAL));
    const std::int64_t again =
        fmap(handle, {.offset = 4096, .size = 1, .flags = abi::MapFlags::kMapFixed, .address = 1});
    REQUIRE(again > 0);
    const std::byte mark{0x77};
    REQUIRE(space.write(static_cast<std::uint64_t>(again) + 5, std::span(&mark, 1)));
    std::byte seen{};
    REQUIRE(space.read(pages + 0x2000 + 5, std::span(&seen, 1)));
    CHECK(seen == mark);
    CHECK(space.describe().back().flags == 0xb);
    // The pages stay registered when their mapping goes.
    REQUIRE(space.unmap({pages, 0x3000}));
    CHECK(caller_context->signals()->proc_control.structure<std::byte>()[5] == mark);
    CHECK(set(0x2000, 0, 0, 5) == 32);
    CHECK(caller_context->signals() == nullptr);
    abi::SetSighandlerData wire{1, 1, 1, 1};
    CHECK(read(handle, &wire, sizeof wire) == 32);
    CHECK(wire.user_handler == 0);
}

TEST_CASE_FIXTURE(SignalFixture, "a signal that waits and is allowed keeps the context from sleeping") {
    CHECK_FALSE(caller_context->waiter().interruption_pending());
    REQUIRE(set(0x2000, 0, pages, pages + 0x1000) == 32);
    auto* const control = caller_context->signals()->thread_control.structure<abi::Sigcontrol>();
    REQUIRE(control != nullptr);
    abi::raise_for_thread(*control, 10);
    CHECK_FALSE(caller_context->waiter().interruption_pending());
    control->word[0] |= abi::signal_bit(10) << 32;
    CHECK(caller_context->waiter().interruption_pending());
}

}  // namespace
}  // namespace halfcell::test
