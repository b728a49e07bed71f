#include "kernel_shim/mem/address_space.h"

#include <doctest/doctest.h>

#include "abi/flags.h"
#include "tests/unit/mem/space_fixture.h"

namespace halfcell::mem {
namespace {

TEST_CASE_FIXTURE(SpaceFixture, "an address space nobody runs in has no process") {
    CHECK(map(1) == kPage);
    CHECK(space->existing_machine() == nullptr);
    CHECK(factory.created == 0);
    machine();
    CHECK(factory.created == 1);
    CHECK(space->machine() == space->existing_machine());
    CHECK(factory.created == 1);
    CHECK(difference() == "");
}

TEST_CASE_FIXTURE(SpaceFixture,
                  "a process that cannot be made or filled is an error, and may be tried again") {
    REQUIRE(map(1).has_value());
    factory.fail_next = Errno::kEAGAIN;
    CHECK(space->machine().error() == Errno::kEAGAIN);
    factory.prepare = [](test::FakeMachine& fresh) { fresh.fail_after(0, Errno::kENOMEM); };
    CHECK(space->machine().error() == Errno::kENOMEM);
    CHECK(space->existing_machine() == nullptr);
    CHECK(*factory.alive == 0);
    factory.prepare = nullptr;
    machine();
    CHECK(difference() == "");
}

TEST_CASE_FIXTURE(SpaceFixture,
                  "64 KiB cost one operation to map and one to unmap, and are populated at once") {
    test::FakeMachine& shown = machine();
    const auto base = map(16, kReadWrite);
    REQUIRE(base.has_value());
    CHECK(shown.operations.maps == 1);
    CHECK(shown.last_populate == machine::Populate::kNow);
    REQUIRE(space->unmap({*base, 16 * kPage}).has_value());
    CHECK(shown.operations.unmaps == 1);
    CHECK(shown.operations.maps == 1);
    CHECK(map(17).has_value());
    CHECK(shown.last_populate == machine::Populate::kOnTouch);
}

TEST_CASE_FIXTURE(SpaceFixture, "MAP_FIXED replaces in one operation, MAP_FIXED_NOREPLACE refuses") {
    test::FakeMachine& shown = machine();
    REQUIRE(map_at(0x10000, 4, kReadWrite).has_value());
    CHECK(put(0x11000, 7));
    CHECK(map_at(0x12000, 4, kReadOnly, GrantKind::kPrivate, Placement::kFixedNoReplace).error() ==
          Errno::kEEXIST);
    CHECK(map_at(0x12000, 4, kReadOnly) == 0x12000);
    CHECK(shown.operations.unmaps == 0);
    CHECK(get(0x11000) == 7);
    CHECK(get(0x15fff) == 0);
    CHECK_FALSE(put(0x12000, 1));
    CHECK(difference() == "");
}

TEST_CASE_FIXTURE(SpaceFixture, "the stub's range is refused to fixed mappings and skipped by unmapping") {
    machine();
    CHECK(map_at(machine::kReservedBase, 1).error() == Errno::kENOMEM);
    CHECK(map_at(machine::kReservedBase - kPage, 2).error() == Errno::kENOMEM);
    CHECK(map_at(machine::kReservedEnd - kPage, 2).error() == Errno::kENOMEM);
    CHECK(map_at(machine::kReservedBase, 1, {}, GrantKind::kPrivate, Placement::kFixedNoReplace).error() ==
          Errno::kENOMEM);
    CHECK(map_at(machine::kReservedBase - kPage, 1).has_value());
    CHECK(map_at(machine::kReservedEnd, 1).has_value());
    CHECK(space->unmap({0, machine::kUserEnd}).has_value());
    CHECK(space->grants().empty());
    CHECK(difference() == "");
}

TEST_CASE_FIXTURE(SpaceFixture, "the page Linux does not have is kept in the books only") {
    machine();
    const std::uint64_t top = machine::kHostUserEnd;
    CHECK(map_at(top, 1, kReadWrite) == top);
    CHECK(put(top + 4095, 5));
    CHECK(get(top + 4095) == 5);
    CHECK(space->protect({top, kPage}, kReadOnly).has_value());
    CHECK_FALSE(put(top, 5));
    CHECK(map_at(top - kPage, 2, kReadWrite).has_value());
    CHECK(difference() == "");
    CHECK(space->unmap({top - kPage, 2 * kPage}).has_value());
    CHECK(get(top) == -1);
    CHECK(difference() == "");
}

TEST_CASE_FIXTURE(SpaceFixture, "unmapping the middle leaves both sides with their contents") {
    machine();
    REQUIRE(map_at(0x10000, 3, kReadWrite).has_value());
    CHECK(put(0x10000, 1));
    CHECK(put(0x12000, 3));
    CHECK(space->unmap({0x11000, kPage}).has_value());
    CHECK(get(0x10000) == 1);
    CHECK(get(0x11000) == -1);
    CHECK(get(0x12000) == 3);
    CHECK(map(1) == 0x11000);
    CHECK(difference() == "");
}

TEST_CASE_FIXTURE(SpaceFixture,
                  "an owner hears of every piece that goes, with its offset and whether to sync") {
    machine();
    const auto owner = std::make_shared<RecordingOwner>();
    REQUIRE(map_file(0x10000, 4, kReadWrite, owner, 0x8000).has_value());
    CHECK(space->describe()[0].offset == 0x8000);
    CHECK(space->unmap({0x11000, kPage}).has_value());
    CHECK(owner->events == std::vector<RecordingOwner::Event>{{0x9000, kPage, true}});
    CHECK(space->protect({0x12000, kPage}, kReadOnly).has_value());
    CHECK(map_at(0x12000, 1).has_value());
    CHECK(owner->events.back() == RecordingOwner::Event{0xa000, kPage, false});
    space.reset();
    REQUIRE(owner->events.size() == 4);
    CHECK(owner->events[2] == RecordingOwner::Event{0x8000, kPage, true});
    CHECK(owner->events[3] == RecordingOwner::Event{0xb000, kPage, true});
    CHECK(owner.use_count() == 1);
}

// An owner that uses the address space it is told about, as a scheme in the same process may.
class CallingOwner final : public GrantOwner {
  public:
    explicit CallingOwner(AddressSpace& space) : space_(space) {}
    void unmapped(std::uint64_t, std::uint64_t, bool) override { seen = space_.describe().size(); }
    std::size_t seen = 99;

  private:
    AddressSpace& space_;
};

TEST_CASE_FIXTURE(SpaceFixture, "owners are told after the lock is released") {
    const auto owner = std::make_shared<CallingOwner>(*space);
    REQUIRE(map_file(0x10000, 1, kReadOnly, owner).has_value());
    CHECK(space->unmap({0x10000, kPage}).has_value());
    CHECK(owner->seen == 0);
}

TEST_CASE_FIXTURE(SpaceFixture,
                  "mprotect goes grant by grant and stops at the first that cannot have the right") {
    machine();
    REQUIRE(map_at(0x10000, 1, kReadOnly).has_value());
    REQUIRE(map_at(0x11000, 1, kReadOnly, GrantKind::kShared).has_value());
    REQUIRE(map_at(0x13000, 1, kReadOnly).has_value());
    CHECK(space->protect({0x10000, 4 * kPage}, kReadWrite).error() == Errno::kEACCES);
    CHECK(put(0x10000, 1));
    CHECK_FALSE(put(0x13000, 1));
    CHECK(space->protect({0x12000, 2 * kPage}, kReadWrite).has_value());
    CHECK(put(0x13000, 1));
    CHECK(difference() == "");
}

TEST_CASE_FIXTURE(SpaceFixture, "splits show in the list even where mprotect then refuses") {
    REQUIRE(map_at(0x10000, 3, kReadOnly, GrantKind::kShared).has_value());
    CHECK(space->protect({0x11000, kPage}, kReadWrite).error() == Errno::kEACCES);
    CHECK(space->describe().size() == 3);
}

TEST_CASE_FIXTURE(SpaceFixture, "the memory limit is ENOMEM, and unmapping gives the bytes back") {
    pool.set_limit(4 * kPage);
    const auto base = map(4);
    REQUIRE(base.has_value());
    CHECK(map(1).error() == Errno::kENOMEM);
    CHECK(space->unmap({*base, 4 * kPage}).has_value());
    CHECK(pool.used() == 0);
    CHECK(map(4).has_value());
}

TEST_CASE_FIXTURE(SpaceFixture, "a part of a mapping gives its bytes back once nobody can look at them") {
    REQUIRE(map_at(0x10000, 6, kReadWrite).has_value());
    CHECK(put(0x13000, 3));
    CHECK(space->unmap({0x10000, kPage}).has_value());
    CHECK(pool.used() == 5 * kPage);
    CHECK(space->protect({0x12000, kPage}, kReadOnly).has_value());
    CHECK(space->unmap({0x11000, 2 * kPage}).has_value());
    CHECK(pool.used() == 3 * kPage);
    CHECK(get(0x13000) == 3);
    SUBCASE("not while an alias shows them") {
        CHECK(
            space
                ->remap(0x13000, kPage, 0x20000, kPage, abi::MremapFlags::kFixed | abi::MremapFlags::kKeepOld)
                .has_value());
        CHECK(space->unmap({0x13000, kPage}).has_value());
        CHECK(get(0x20000) == 3);
        CHECK(pool.used() == 3 * kPage);
    }
    SUBCASE("not while they are pinned") {
        const auto pinned = space->pin(0x13000, 1, Access::kRead);
        CHECK(space->unmap({0x13000, kPage}).has_value());
        CHECK(pinned->spans[0].data[0] == std::byte{3});
    }
    SUBCASE("not when they have moved") {
        CHECK(space->remap(0x13000, kPage, 0x20000, kPage, abi::MremapFlags::kFixed).has_value());
        CHECK(get(0x20000) == 3);
        CHECK(pool.used() == 3 * kPage);
    }
    SUBCASE("not while another space shows them") {
        const auto other = AddressSpace::create(pool, factory);
        const std::uint64_t base = *other->borrow(*space, 0x13000, {.size = kPage});
        CHECK(space->unmap({0x13000, kPage}).has_value());
        std::byte byte{};
        CHECK(other->read(base, std::span(&byte, 1)).has_value());
        CHECK(byte == std::byte{3});
    }
    CHECK(space->unmap({0x10000, 0x20 * kPage}).has_value());
}

TEST_CASE_FIXTURE(SpaceFixture, "an object must hold what is to be shown of it") {
    const MemoryRef object = *pool.allocate(2 * kPage);
    const auto show = [&](std::uint64_t offset) {
        return space->map({.size = kPage},
                          {.kind = GrantKind::kShared, .object = object, .object_offset = offset});
    };
    CHECK(show(kPage).has_value());
    CHECK(show(2 * kPage).error() == Errno::kEINVAL);
    CHECK(show(UINT64_MAX - 4095).error() == Errno::kEINVAL);
}

TEST_CASE_FIXTURE(SpaceFixture, "when the host refuses a mapping, books and process still agree") {
    test::FakeMachine& shown = machine();
    shown.fail_after(0, Errno::kENOMEM);
    CHECK(map(1).error() == Errno::kENOMEM);
    CHECK(space->grants().empty());
    REQUIRE(map_at(0x10000, 4, kReadWrite).has_value());
    shown.fail_after(0, Errno::kENOMEM);
    CHECK(map_at(0x12000, 4).error() == Errno::kENOMEM);
    CHECK(difference() == "");
    CHECK(get(0x11000) == 0);
    CHECK(get(0x12000) == -1);
    shown.fail_after(0, Errno::kENOMEM);
    CHECK(space->unmap({0x10000, kPage}).error() == Errno::kENOMEM);
    CHECK(get(0x10000) == 0);
    shown.fail_after(0, Errno::kENOMEM);
    CHECK(space->protect({0x10000, kPage}, kReadOnly).error() == Errno::kENOMEM);
    CHECK(put(0x10000, 1));
    CHECK(difference() == "");
    CHECK_FALSE(shown.killed);
}

TEST_CASE_FIXTURE(SpaceFixture, "calls on a space whose process has died still answer") {
    test::FakeMachine& shown = machine();
    const auto base = map(2, kReadWrite);
    REQUIRE(base.has_value());
    shown.kill();
    CHECK(put(*base, 1));
    CHECK(map(1).has_value());
    CHECK(space->protect({*base, kPage}, kReadOnly).has_value());
    CHECK(space->remap(*base, 2 * kPage, 0, 3 * kPage, 0).has_value());
    CHECK(space->unmap({0, machine::kReservedBase}).has_value());
    CHECK(space->describe().empty());
}

TEST_CASE_FIXTURE(SpaceFixture, "the last reference ends the process and gives the memory back") {
    machine();
    REQUIRE(map(8).has_value());
    CHECK(*factory.alive == 1);
    space.reset();
    CHECK(*factory.alive == 0);
    CHECK(pool.used() == 0);
}

}  // namespace
}  // namespace halfcell::mem
