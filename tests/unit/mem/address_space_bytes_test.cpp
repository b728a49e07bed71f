#include <doctest/doctest.h>

#include "kernel_shim/mem/address_space.h"
#include "tests/unit/mem/space_fixture.h"

namespace halfcell::mem {
namespace {

std::vector<std::byte> pattern(std::size_t size) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<std::byte>(i * 7 + i / 256);
    return bytes;
}

TEST_CASE_FIXTURE(SpaceFixture, "copies cross grants, page edges and the size up to which they are quick") {
    REQUIRE(map_at(0x10000, 2, kReadWrite).has_value());
    REQUIRE(map_at(0x12000, 4, kReadWrite, GrantKind::kShared).has_value());
    for (const std::uint64_t address : {0x10000UL, 0x10001UL, 0x11fffUL, 0x12fffUL}) {
        for (const std::size_t size : {0UL, 1UL, 2UL, 4095UL, 4096UL, 4097UL, 8192UL, 12288UL}) {
            CAPTURE(address);
            CAPTURE(size);
            const auto bytes = pattern(size);
            CHECK(space->write(address, bytes).has_value());
            std::vector<std::byte> back(size);
            CHECK(space->read(address, back).has_value());
            CHECK(back == bytes);
        }
    }
}

TEST_CASE_FIXTURE(SpaceFixture,
                  "EFAULT comes at the first byte that cannot be had, those before are copied") {
    REQUIRE(map_at(0x10000, 1, kReadWrite).has_value());
    REQUIRE(map_at(0x11000, 1, kReadOnly).has_value());
    const auto bytes = pattern(8);
    CHECK(space->write(0x10ffc, bytes).error() == Errno::kEFAULT);
    CHECK(get(0x10fff) == static_cast<int>(bytes[3]));
    CHECK(get(0x11000) == 0);
    std::vector<std::byte> back(8);
    CHECK(space->read(0x11ffc, back).error() == Errno::kEFAULT);
    CHECK(space->read(0x0, back).error() == Errno::kEFAULT);
    CHECK(space->read(UINT64_MAX - 3, back).error() == Errno::kEFAULT);
    // Without bytes no page is touched.
    CHECK(space->read(0x0, std::span<std::byte>()).has_value());
}

TEST_CASE_FIXTURE(SpaceFixture, "objects without direct access are read and written through themselves") {
    const MemoryRef object = *pool.allocate_indirect(2 * kPage);
    const auto base = space->map({.size = 2 * kPage, .protection = kReadWrite},
                                 {.kind = GrantKind::kShared, .object = object});
    REQUIRE(base.has_value());
    const auto bytes = pattern(5000);
    CHECK(space->write(*base + 10, bytes).has_value());
    std::vector<std::byte> back(5000);
    CHECK(object->read(10, back).has_value());
    CHECK(back == bytes);
    CHECK(space->read(*base + 10, back).has_value());
    const auto pinned = space->pin(*base, 100, Access::kRead);
    REQUIRE(pinned.has_value());
    CHECK(pinned->spans.empty());
    CHECK(pinned->objects.empty());
    CHECK(space->pin(*base, 3 * kPage, Access::kRead).error() == Errno::kEFAULT);
}

TEST_CASE_FIXTURE(SpaceFixture, "pinned bytes stay where they are when the grant goes") {
    const auto base = map(2, kReadWrite);
    CHECK(put(*base + 5, 42));
    auto pinned = *space->pin(*base + 5, 100, Access::kWrite);
    REQUIRE(pinned.spans.size() == 1);
    CHECK(pinned.spans[0].size == 100);
    CHECK(space->unmap({*base, 2 * kPage}).has_value());
    CHECK(pinned.spans[0].data[0] == std::byte{42});
    CHECK(pool.used() == 2 * kPage);
    pinned = PinnedBytes{};
    CHECK(pool.used() == 0);
}

TEST_CASE_FIXTURE(SpaceFixture, "pinning a range of many grants gives its bytes in order") {
    for (std::uint64_t i = 0; i < 5; ++i) {
        REQUIRE(map_at(0x10000 + i * kPage, 1, kReadWrite).has_value());
        CHECK(put(0x10000 + i * kPage, static_cast<std::uint8_t>(i + 1)));
    }
    const auto pinned = *space->pin(0x10000, 5 * kPage, Access::kWrite);
    std::vector<std::byte> joined;
    for (const auto& span : pinned.spans)
        joined.insert(joined.end(), span.data, span.data + span.size);
    REQUIRE(joined.size() == 5 * kPage);
    for (std::uint64_t i = 0; i < 5; ++i)
        CHECK(joined[i * kPage] == static_cast<std::byte>(i + 1));
    CHECK(pinned.objects.size() == 5);
}

TEST_CASE_FIXTURE(SpaceFixture, "pieces of one object are one span") {
    REQUIRE(map_at(0x10000, 3, kReadWrite, GrantKind::kShared).has_value());
    CHECK(space->protect({0x11000, kPage}, kReadOnly).has_value());
    const auto pinned = *space->pin(0x10800, 2 * kPage, Access::kRead);
    CHECK(pinned.spans.size() == 1);
    CHECK(pinned.objects.size() == 1);
    CHECK(space->pin(0x10800, 2 * kPage, Access::kWrite).error() == Errno::kEFAULT);
    CHECK(space->pin(0x12000, kPage + 1, Access::kRead).error() == Errno::kEFAULT);
    CHECK(space->pin(0, 0, Access::kRead).has_value());
}

TEST_CASE_FIXTURE(SpaceFixture, "a frame is the object and the place in it, at every address that shows it") {
    REQUIRE(map_at(0x10000, 2, kReadWrite).has_value());
    CHECK(space->remap(0x11000, kPage, 0x20000, kPage, 0x20000 | 1 | 4) == 0x20000);
    const auto first = *space->frame_of(0x11010);
    const auto second = *space->frame_of(0x20010);
    CHECK(first.object == second.object);
    CHECK(first.offset == second.offset);
    CHECK(space->frame_of(0x30000).error() == Errno::kEFAULT);
    CHECK(space->grant_at(0x10fff)->range == PageRange{0x10000, kPage});
    CHECK(space->grant_at(0x30000).error() == Errno::kEINVAL);
}

TEST_CASE("an inline vector moves to the heap as one") {
    InlineVector<std::shared_ptr<int>, 2> list;
    std::vector<std::shared_ptr<int>> kept;
    for (int i = 0; i < 7; ++i) {
        kept.push_back(std::make_shared<int>(i));
        list.push_back(kept.back());
    }
    REQUIRE(list.size() == 7);
    for (int i = 0; i < 7; ++i) {
        CHECK(*list[static_cast<std::size_t>(i)] == i);
        CHECK(kept[static_cast<std::size_t>(i)].use_count() == 2);
    }
    const auto copy = list;
    CHECK(kept[0].use_count() == 3);
    list.clear();
    CHECK(list.empty());
    CHECK(*copy[6] == 6);
    CHECK(kept[0].use_count() == 2);
}

}  // namespace
}  // namespace halfcell::mem
