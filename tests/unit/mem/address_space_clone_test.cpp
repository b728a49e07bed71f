#include <doctest/doctest.h>

#include "abi/flags.h"
#include "kernel_shim/mem/address_space.h"
#include "tests/unit/mem/space_fixture.h"

namespace halfcell::mem {
namespace {

int byte_at(AddressSpace& space, std::uint64_t address) {
    std::byte byte{};
    return space.read(address, std::span(&byte, 1)) ? static_cast<int>(byte) : -1;
}

void set_byte(AddressSpace& space, std::uint64_t address, std::uint8_t value) {
    const std::byte byte{value};
    CHECK(space.write(address, std::span(&byte, 1)).has_value());
}

TEST_CASE_FIXTURE(SpaceFixture, "a clone copies private memory and shares what is shared") {
    REQUIRE(map_at(0x10000, 2, kReadWrite).has_value());
    REQUIRE(map_at(0x20000, 1, kReadWrite, GrantKind::kShared).has_value());
    set_byte(*space, 0x11000, 1);
    const auto copy = *space->clone();
    CHECK(byte_at(*copy, 0x11000) == 1);
    set_byte(*space, 0x11000, 2);
    set_byte(*copy, 0x10000, 3);
    CHECK(byte_at(*copy, 0x11000) == 1);
    CHECK(byte_at(*space, 0x10000) == 0);
    set_byte(*copy, 0x20000, 4);
    CHECK(byte_at(*space, 0x20000) == 4);
    REQUIRE(copy->machine().has_value());
    CHECK(factory.last->difference(*copy) == "");
}

TEST_CASE_FIXTURE(
    SpaceFixture,
    "a clone leaves out files, contiguous and pinned memory, and starts at the default address") {
    const auto owner = std::make_shared<RecordingOwner>();
    REQUIRE(map_file(0x10000, 1, kReadWrite, owner).has_value());
    REQUIRE(map_at(0x20000, 1, kReadWrite, GrantKind::kContiguous).has_value());
    REQUIRE(map_at(0x30000, 1, kReadOnly, GrantKind::kPhysical).has_value());
    CHECK(space->set_lowest_mappable(0x100000).has_value());
    const auto copy = *space->clone();
    const auto list = copy->describe();
    REQUIRE(list.size() == 1);
    CHECK(list[0].base == 0x30000);
    CHECK(copy->lowest_mappable() == kPage);
    CHECK(owner->events.empty());
}

TEST_CASE_FIXTURE(SpaceFixture, "aliases of one page are copied separately") {
    REQUIRE(map_at(0x10000, 1, kReadWrite).has_value());
    set_byte(*space, 0x10000, 7);
    CHECK(space
              ->remap(0x10000, kPage, 0x20000, kPage,
                      abi::MapFlags::kProtWrite | abi::MremapFlags::kFixed | abi::MremapFlags::kKeepOld)
              .has_value());
    const auto copy = *space->clone();
    CHECK(byte_at(*copy, 0x20000) == 7);
    set_byte(*copy, 0x20000, 8);
    CHECK(byte_at(*copy, 0x10000) == 7);
    set_byte(*space, 0x10000, 9);
    CHECK(byte_at(*space, 0x20000) == 9);
}

TEST_CASE_FIXTURE(SpaceFixture, "what Redox lists as one grant is one object in the clone") {
    for (std::uint64_t i = 0; i < 4; ++i) {
        REQUIRE(map_at(0x10000 + i * kPage, 1, kReadWrite).has_value());
        set_byte(*space, 0x10000 + i * kPage + i, static_cast<std::uint8_t>(i + 1));
    }
    REQUIRE(map_at(0x14000, 1, kReadOnly).has_value());
    const auto copy = *space->clone();
    CHECK(copy->grants().size() == 2);
    for (std::uint64_t i = 0; i < 4; ++i)
        CHECK(byte_at(*copy, 0x10000 + i * kPage + i) == static_cast<int>(i + 1));
}

TEST_CASE_FIXTURE(SpaceFixture, "a huge grant of which little was touched is cloned in no time") {
    constexpr std::uint64_t kHuge = std::uint64_t{1} << 40;
    REQUIRE(map_at(0x10000, kHuge / kPage, kReadWrite).has_value());
    set_byte(*space, 0x10000 + kHuge / 2 + 5, 6);
    const auto copy = *space->clone();
    CHECK(byte_at(*copy, 0x10000 + kHuge / 2 + 5) == 6);
    CHECK(byte_at(*copy, 0x10000) == 0);
}

TEST_CASE_FIXTURE(SpaceFixture, "a clone that does not fit is ENOMEM and leaves nothing behind") {
    REQUIRE(map_at(0x10000, 2).has_value());
    REQUIRE(map_at(0x20000, 2).has_value());
    pool.set_limit(7 * kPage);
    CHECK(space->clone().error() == Errno::kENOMEM);
    CHECK(pool.used() == 4 * kPage);
}

}  // namespace
}  // namespace halfcell::mem
