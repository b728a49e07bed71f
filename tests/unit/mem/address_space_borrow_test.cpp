#include <doctest/doctest.h>

#include "abi/flags.h"
#include "kernel_shim/mem/address_space.h"
#include "tests/unit/mem/space_fixture.h"

namespace halfcell::mem {
namespace {

// The fixture's space is the source; `to` is where things are shown or moved to.
class TwoSpaces : public SpaceFixture {
  public:
    std::shared_ptr<AddressSpace> to = AddressSpace::create(pool, factory);

    static MapRequest anywhere(std::uint64_t pages, Protection protection = kReadWrite) {
        return {.size = pages * kPage, .protection = protection};
    }
    static MapRequest at(std::uint64_t address, std::uint64_t pages, Protection protection = kReadWrite,
                         Placement placement = Placement::kFixed) {
        return {.address = address, .size = pages * kPage, .placement = placement, .protection = protection};
    }
    int seen(std::uint64_t address) {
        std::byte byte{};
        return to->read(address, std::span(&byte, 1)) ? static_cast<int>(byte) : -1;
    }
    bool store(std::uint64_t address, std::uint8_t value) {
        const std::byte byte{value};
        return to->write(address, std::span(&byte, 1)).has_value();
    }
};

TEST_CASE_FIXTURE(TwoSpaces, "borrowed read-only private memory may be written, and both sides see it") {
    REQUIRE(map_at(0x10000, 1, kReadOnly).has_value());
    CHECK(to->borrow(*space, 0x10000, anywhere(1)) == kPage);
    CHECK(store(kPage, 5));
    CHECK(get(0x10000) == 5);
    CHECK_FALSE(put(0x10000, 6));
    CHECK(to->describe()[0].flags ==
          (abi::GrantFlags::kGrantRead | abi::GrantFlags::kGrantWrite | abi::GrantFlags::kGrantShared));
    CHECK(space->unmap({0x10000, kPage}).has_value());
    CHECK(seen(kPage) == 5);
}

TEST_CASE_FIXTURE(TwoSpaces, "a borrowed range of many grants is one grant, until it is cut") {
    REQUIRE(map_at(0x10000, 1, kReadOnly).has_value());
    REQUIRE(map_at(0x11000, 2, kReadWrite, GrantKind::kShared).has_value());
    REQUIRE(map_at(0x13000, 1, kReadWrite).has_value());
    CHECK(put(0x13000, 4));
    CHECK(to->borrow(*space, 0x10000, at(0x50000, 4)) == 0x50000);
    CHECK(to->borrow(*space, 0x13000, at(0x54000, 1)) == 0x54000);
    REQUIRE(to->describe().size() == 2);
    CHECK(to->describe()[0].size == 4 * kPage);
    CHECK(seen(0x53000) == 4);
    CHECK(to->unmap({0x51000, kPage}).has_value());
    CHECK(to->describe().size() == 3);
    CHECK(seen(0x53000) == 4);
    REQUIRE(to->machine().has_value());
    CHECK(factory.last->difference(*to) == "");
}

TEST_CASE_FIXTURE(TwoSpaces, "what cannot be borrowed, and in which order it is asked") {
    REQUIRE(map_at(0x10000, 1, kReadOnly, GrantKind::kShared).has_value());
    REQUIRE(map_at(0x12000, 1, kReadOnly).has_value());
    CHECK(space->borrow(*space, 0x10000, anywhere(1)).error() == Errno::kEBUSY);
    CHECK(to->borrow(*space, 0x10001, anywhere(1)).error() == Errno::kEINVAL);
    CHECK(to->borrow(*space, machine::kUserEnd, anywhere(1)).error() == Errno::kEINVAL);
    CHECK(to->borrow(*space, 0x10000, anywhere(1)).error() == Errno::kEPERM);
    CHECK(to->borrow(*space, 0x10000, anywhere(1, kReadOnly)).has_value());
    CHECK(to->borrow(*space, 0x11000, anywhere(1)).error() == Errno::kEINVAL);
    CHECK(to->borrow(*space, 0x10000, anywhere(3, kReadOnly)).error() == Errno::kEINVAL);
    CHECK(to->borrow(*space, 0x12000, anywhere(2, kReadOnly)).error() == Errno::kEINVAL);
    // A fixed target is refused, or cleared, before the source is looked at.
    REQUIRE(to->map(at(0x60000, 1), {}).has_value());
    CHECK(to->borrow(*space, 0x11000, at(0x60000, 1, kReadWrite, Placement::kFixedNoReplace)).error() ==
          Errno::kEEXIST);
    CHECK(to->borrow(*space, 0x11000, at(0x60000, 1)).error() == Errno::kEINVAL);
    CHECK(seen(0x60000) == -1);
}

TEST_CASE_FIXTURE(TwoSpaces, "a borrowed file is pinned in its space until the last borrowed piece goes") {
    const auto owner = std::make_shared<RecordingOwner>();
    REQUIRE(map_at(0x10000, 1, kReadOnly).has_value());
    REQUIRE(map_file(0x11000, 2, kReadWrite, owner).has_value());
    CHECK(to->borrow(*space, 0x11000, at(0x50000, 2)) == 0x50000);
    CHECK(to->unmap({0x50000, kPage}).has_value());
    CHECK(space->unmap({0x11000, kPage}).error() == Errno::kEBUSY);
    CHECK(space->protect({0x12000, kPage}, kReadOnly).error() == Errno::kEBUSY);
    CHECK(space->remap(0x12000, kPage, 0, kPage, 0).error() == Errno::kEBUSY);
    CHECK(map_at(0x12000, 1).error() == Errno::kEBUSY);
    // Unmapping goes as far as it gets.
    CHECK(space->unmap({0x10000, 3 * kPage}).error() == Errno::kEBUSY);
    CHECK(get(0x10000) == -1);
    CHECK(get(0x11000) == 0);
    // The pin is counted, not shown.
    CHECK(space->describe()[0].flags == (abi::GrantFlags::kGrantRead | abi::GrantFlags::kGrantWrite |
                                         abi::GrantFlags::kGrantShared | abi::GrantFlags::kGrantScheme));
    CHECK(to->unmap({0x51000, kPage}).has_value());
    CHECK(owner->events.empty());
    CHECK(space->unmap({0x11000, 2 * kPage}).has_value());
    CHECK(owner->events.size() == 1);
}

TEST_CASE_FIXTURE(TwoSpaces, "a borrow that fails unpins what it had pinned") {
    const auto owner = std::make_shared<RecordingOwner>();
    REQUIRE(map_file(0x10000, 1, kReadWrite, owner).has_value());
    REQUIRE(to->machine().has_value());
    factory.last->fail_after(0, Errno::kENOMEM);
    CHECK(to->borrow(*space, 0x10000, anywhere(1)).error() == Errno::kENOMEM);
    CHECK(to->borrow(*space, 0x10000, anywhere(2)).error() == Errno::kEINVAL);
    CHECK(space->unmap({0x10000, kPage}).has_value());
}

TEST_CASE_FIXTURE(TwoSpaces, "either space may go first") {
    const auto owner = std::make_shared<RecordingOwner>();
    REQUIRE(map_file(0x10000, 1, kReadWrite, owner).has_value());
    CHECK(to->borrow(*space, 0x10000, at(0x50000, 1)).has_value());
    SUBCASE("the source") {
        space.reset();
        CHECK(owner->events.size() == 1);
        CHECK(seen(0x50000) == 0);
        to.reset();
    }
    SUBCASE("the borrower") {
        to.reset();
        CHECK(space->unmap({0x10000, kPage}).has_value());
    }
    CHECK(owner->events.size() == 1);
}

TEST_CASE_FIXTURE(TwoSpaces, "a clone of a borrower shows the same pages") {
    REQUIRE(map_at(0x10000, 1, kReadWrite).has_value());
    CHECK(to->borrow(*space, 0x10000, at(0x50000, 1)).has_value());
    to = *to->clone();
    CHECK(put(0x10000, 8));
    CHECK(seen(0x50000) == 8);
}

TEST_CASE_FIXTURE(TwoSpaces, "transfer moves pages, and makes zero pages of holes") {
    test::FakeMachine& source_machine = machine();
    REQUIRE(to->machine().has_value());
    test::FakeMachine& target_machine = *factory.last;
    REQUIRE(map_at(0x10000, 1, kReadWrite).has_value());
    REQUIRE(map_at(0x12000, 2, kReadWrite, GrantKind::kShared).has_value());
    CHECK(put(0x10000, 1));
    CHECK(put(0x12000, 3));
    CHECK(to->transfer(*space, 0x10000, at(0x50000, 3)) == 0x50000);
    CHECK(get(0x10000) == -1);
    CHECK(get(0x12000) == -1);
    CHECK(get(0x13000) == 0);
    CHECK(seen(0x50000) == 1);
    CHECK(seen(0x51000) == 0);
    CHECK(seen(0x52000) == 3);
    CHECK(source_machine.difference(*space) == "");
    CHECK(target_machine.difference(*to) == "");
    CHECK(to->describe().size() == 2);
    CHECK((to->describe()[1].flags & abi::GrantFlags::kGrantShared) != 0);
}

TEST_CASE_FIXTURE(TwoSpaces, "transfer to the same addresses is EBUSY, also by accident") {
    REQUIRE(map_at(0x1000, 1, kReadWrite).has_value());
    CHECK(to->transfer(*space, 0x1000, at(0x1000, 1)).error() == Errno::kEBUSY);
    CHECK(to->transfer(*space, 0x1000, anywhere(1)).error() == Errno::kEBUSY);
    CHECK(space->transfer(*space, 0x1000, anywhere(1)).error() == Errno::kEBUSY);
    CHECK(get(0x1000) == 0);
}

TEST_CASE_FIXTURE(TwoSpaces, "transfer clears its fixed target even when it then fails") {
    REQUIRE(map_at(0x10000, 1, kReadOnly, GrantKind::kShared).has_value());
    REQUIRE(to->map(at(0x50000, 1), {}).has_value());
    CHECK(to->transfer(*space, 0x10000, at(0x50000, 1, kReadWrite, Placement::kFixedNoReplace)).error() ==
          Errno::kEEXIST);
    CHECK(to->transfer(*space, 0x10000, at(0x50000, 1)).error() == Errno::kEPERM);
    CHECK(seen(0x50000) == -1);
    CHECK(get(0x10000) == 0);
}

TEST_CASE_FIXTURE(TwoSpaces, "pages that the target's process cannot show go back to the source") {
    test::FakeMachine& source_machine = machine();
    REQUIRE(to->machine().has_value());
    const auto owner = std::make_shared<RecordingOwner>();
    REQUIRE(map_at(0x10000, 1, kReadWrite).has_value());
    REQUIRE(map_file(0x11000, 1, kReadWrite, owner).has_value());
    CHECK(put(0x10000, 9));
    factory.last->fail_after(1, Errno::kENOMEM);
    CHECK(to->transfer(*space, 0x10000, at(0x50000, 2)).error() == Errno::kENOMEM);
    CHECK(get(0x10000) == 9);
    CHECK(get(0x11000) == 0);
    CHECK(seen(0x50000) == -1);
    CHECK(owner->events.empty());
    CHECK(source_machine.difference(*space) == "");
    CHECK(factory.last->difference(*to) == "");
    source_machine.fail_after(0, Errno::kENOMEM);
    CHECK(to->transfer(*space, 0x10000, at(0x50000, 2)).error() == Errno::kENOMEM);
    CHECK(get(0x10000) == 9);
    CHECK(source_machine.difference(*space) == "");
}

}  // namespace
}  // namespace halfcell::mem
