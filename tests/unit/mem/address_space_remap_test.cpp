#include <doctest/doctest.h>

#include "abi/flags.h"
#include "kernel_shim/mem/address_space.h"
#include "tests/unit/mem/space_fixture.h"

namespace halfcell::mem {
namespace {

constexpr std::uint64_t kRw = abi::MapFlags::kProtRead | abi::MapFlags::kProtWrite;
constexpr std::uint64_t kRo = abi::MapFlags::kProtRead;
constexpr std::uint64_t kFixed = abi::MremapFlags::kFixed;
constexpr std::uint64_t kReplace = abi::MremapFlags::kFixedReplace;
constexpr std::uint64_t kKeep = abi::MremapFlags::kKeepOld;

TEST_CASE_FIXTURE(SpaceFixture, "mremap: unaligned or empty is EINVAL before anything else") {
    for (const auto& [old_address, old_size, new_address, new_size] :
         {std::array<std::uint64_t, 4>{1, kPage, 0, kPage},
          {0, 1, 0, kPage},
          {0, kPage, 1, kPage},
          {0, kPage, 0, 1},
          {0, 0, 0, kPage},
          {0, kPage, 0, 0}})
        CHECK(space->remap(old_address, old_size, new_address, new_size, 0).error() == Errno::kEINVAL);
}

TEST_CASE_FIXTURE(SpaceFixture,
                  "mremap: ranges past the end of user space are EINVAL where upstream maps them") {
    REQUIRE(map_at(0x10000, 1).has_value());
    CHECK(space->remap(0x10000, kPage, machine::kUserEnd, kPage, kFixed).error() == Errno::kEINVAL);
    CHECK(space->remap(0x10000, kPage, 0xffffff0000000000, kPage, kReplace).error() == Errno::kEINVAL);
    CHECK(space->remap(0x10000, kPage, machine::kUserEnd, kPage, kFixed | kKeep | kRw).error() != Errno{});
    CHECK(space->remap(machine::kUserEnd, kPage, 0, kPage, 0).error() == Errno::kEINVAL);
    CHECK(space->remap(0x10000, kPage, 0, UINT64_MAX - 4095, 0).error() == Errno::kENOMEM);
    CHECK(get(0x10000) == 0);
}

TEST_CASE_FIXTURE(SpaceFixture, "mremap moves contents and rights, and leaves a hole") {
    machine();
    REQUIRE(map_at(0x10000, 2, kReadWrite).has_value());
    CHECK(put(0x10000, 1));
    CHECK(put(0x11000, 2));
    CHECK(space->remap(0x10000, 2 * kPage, 0x20000, 2 * kPage, kFixed | kRo) == 0x20000);
    CHECK(get(0x10000) == -1);
    CHECK(get(0x20000) == 1);
    CHECK(get(0x21000) == 2);
    CHECK_FALSE(put(0x20000, 9));
    CHECK(difference() == "");
}

TEST_CASE_FIXTURE(SpaceFixture, "mremap never resizes in place; the hole holds the larger of the two sizes") {
    machine();
    REQUIRE(map_at(0x1000, 2, kReadWrite).has_value());
    REQUIRE(map_at(0x4000, 1, kReadWrite).has_value());  // a hole of one page at 0x3000
    REQUIRE(map_at(0x8000, 1, kReadWrite).has_value());  // a hole of three at 0x5000
    CHECK(put(0x1000, 7));
    CHECK(space->remap(0x1000, 2 * kPage, 0x3000, kPage, kRw) == 0x5000);
    CHECK(get(0x5000) == 7);
    CHECK(get(0x1000) == -1);
    CHECK(get(0x2000) == -1);
    CHECK(get(0x6000) == -1);
    CHECK(space->remap(0x5000, kPage, 0, 8 * kPage, kRw) == 0x9000);
    CHECK(get(0x9000) == 7);
    CHECK(get(0xa000) == 0);
    CHECK(put(0x10fff, 1));
    CHECK(difference() == "");
}

TEST_CASE_FIXTURE(SpaceFixture,
                  "mremap: holes of the source become zero pages, even where there is nothing else") {
    machine();
    REQUIRE(map_at(0x11000, 1, kReadWrite).has_value());
    CHECK(put(0x11000, 3));
    CHECK(space->remap(0x10000, 3 * kPage, 0x20000, 3 * kPage, kFixed | kRw) == 0x20000);
    CHECK(get(0x20000) == 0);
    CHECK(get(0x21000) == 3);
    CHECK(get(0x22000) == 0);
    CHECK(space->describe().size() == 1);
    CHECK(space->remap(0x40000, kPage, 0x50000, kPage, kFixed | kRw) == 0x50000);
    CHECK(put(0x50000, 1));
    CHECK(difference() == "");
    // The smallest hole that fits is the source itself.
    CHECK(space->remap(kPage, kPage, 0, kPage, kRw).error() == Errno::kEBUSY);
}

TEST_CASE_FIXTURE(SpaceFixture,
                  "mremap: FIXED refuses what is there, FIXED_REPLACE clears it even when it then fails") {
    machine();
    REQUIRE(map_at(0x10000, 2, kReadWrite).has_value());
    REQUIRE(map_at(0x20000, 2, kReadWrite).has_value());
    REQUIRE(map_at(0x30000, 1, kReadOnly, GrantKind::kShared).has_value());
    CHECK(space->remap(0x10000, kPage, 0x21000, kPage, kFixed | kRw).error() == Errno::kEEXIST);
    CHECK(space->remap(0x30000, kPage, 0x21000, kPage, kReplace | kRw).error() == Errno::kEPERM);
    CHECK(get(0x21000) == -1);
    CHECK(space->remap(0x10000, 2 * kPage, 0x11000, 2 * kPage, kReplace | kRw).error() == Errno::kEBUSY);
    CHECK(get(0x10000) == 0);
    CHECK(get(0x11000) == -1);
    CHECK(space->remap(0x10000, kPage, 0x20000, kPage, kReplace | kRw) == 0x20000);
    CHECK(difference() == "");
    CHECK(space->remap(0x20000, kPage, machine::kReservedBase, kPage, kFixed | kRw).error() ==
          Errno::kENOMEM);
}

TEST_CASE_FIXTURE(SpaceFixture, "mremap tells an owner of what a smaller size cuts off, not of what moves") {
    machine();
    const auto owner = std::make_shared<RecordingOwner>();
    REQUIRE(map_file(0x10000, 3, kReadWrite, owner, 0x4000).has_value());
    CHECK(space->remap(0x10000, 3 * kPage, 0x20000, 2 * kPage, kFixed | kRw) == 0x20000);
    CHECK(owner->events == std::vector<RecordingOwner::Event>{{0x6000, kPage, true}});
    CHECK(space->unmap({0x21000, kPage}).has_value());
    CHECK(owner->events.back() == RecordingOwner::Event{0x5000, kPage, true});
    CHECK(difference() == "");
}

TEST_CASE_FIXTURE(SpaceFixture, "mremap KEEP_OLD shows one page at two addresses") {
    machine();
    REQUIRE(map_at(0x10000, 2, kReadWrite).has_value());
    CHECK(space->remap(0x11000, kPage, 0x20000, kPage, kFixed | kKeep | kRw) == 0x20000);
    CHECK(put(0x11000, 6));
    CHECK(get(0x20000) == 6);
    CHECK(put(0x20000, 7));
    CHECK(get(0x11000) == 7);
    // To Redox the alias is private memory like any other.
    CHECK(space->describe()[1].flags == (abi::GrantFlags::kGrantRead | abi::GrantFlags::kGrantWrite));
    CHECK(space->remap(0x11000, 2 * kPage, 0, kPage, kKeep | kRw) == 0x12000);
    CHECK(get(0x12000) == 7);
    CHECK(space->unmap({0x11000, kPage}).has_value());
    CHECK(get(0x20000) == 7);
    CHECK(difference() == "");
}

TEST_CASE_FIXTURE(SpaceFixture,
                  "mremap KEEP_OLD: what may not be shown twice, and in which order it is asked") {
    REQUIRE(map_at(0x10000, 1, kReadWrite).has_value());
    REQUIRE(map_at(0x20000, 1, kReadOnly).has_value());
    REQUIRE(map_at(0x30000, 1, kReadWrite, GrantKind::kShared).has_value());
    CHECK(space->remap(0x50000, kPage, 0, 2 * kPage, kKeep | kRw).error() == Errno::kEOPNOTSUPP);
    CHECK(space->remap(0x50000, kPage, 0, kPage, kKeep | kRw).error() == Errno::kEINVAL);
    CHECK(space->remap(0x30000, kPage, 0, kPage, kKeep | kRw).error() == Errno::kEPERM);
    CHECK(space->remap(0x20000, kPage, 0, kPage, kKeep | kRw).error() == Errno::kENOMEM);
    CHECK(space->remap(0x10000, kPage, 0x20000, kPage, kFixed | kKeep | kRw).error() == Errno::kEEXIST);
    CHECK(space->remap(0x10000, kPage, 0x20000, kPage, kReplace | kKeep | kRw) == 0x20000);
    // Replacing the source by its own alias keeps the frame.
    CHECK(put(0x10000, 4));
    CHECK(space->remap(0x10000, kPage, 0x10000, kPage, kReplace | kKeep | kRo) == 0x10000);
    CHECK(get(0x10000) == 4);
}

TEST_CASE_FIXTURE(SpaceFixture, "mremap that the host refuses half-way leaves books and process agreed") {
    for (int successes = 0; successes < 5; ++successes) {
        CAPTURE(successes);
        SpaceFixture fresh;
        test::FakeMachine& shown = fresh.machine();
        REQUIRE(fresh.map_at(0x10000, 1, kReadWrite).has_value());
        REQUIRE(fresh.map_at(0x11000, 2, kReadWrite, GrantKind::kShared).has_value());
        CHECK(fresh.put(0x10000, 5));
        shown.fail_after(successes, Errno::kENOMEM);
        const auto moved = fresh.space->remap(0x10000, 3 * kPage, 0x20000, 4 * kPage, kFixed | kRw);
        CHECK(fresh.difference() == "");
        CHECK_FALSE(shown.killed);
        CHECK(moved.has_value() == (successes >= 4));
        CHECK(fresh.get(moved ? 0x20000 : 0x10000) == 5);
        CHECK(fresh.get(moved ? 0x10000 : 0x20000) == -1);
    }
}

TEST_CASE_FIXTURE(SpaceFixture, "mremap that needs zero pages and gets none changes nothing") {
    REQUIRE(map_at(0x10000, 1, kReadWrite).has_value());
    CHECK(put(0x10000, 5));
    pool.set_limit(kPage);
    CHECK(space->remap(0x10000, kPage, 0, 2 * kPage, kRw).error() == Errno::kENOMEM);
    CHECK(get(0x10000) == 5);
}

}  // namespace
}  // namespace halfcell::mem
