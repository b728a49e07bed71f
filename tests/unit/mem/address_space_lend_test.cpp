#include <doctest/doctest.h>

#include "abi/flags.h"
#include "kernel_shim/mem/address_space.h"
#include "tests/unit/mem/space_fixture.h"

namespace halfcell::mem {
namespace {

// The fixture's space lends; `to` is a server.
class Lending : public SpaceFixture {
  public:
    std::shared_ptr<AddressSpace> to = AddressSpace::create(pool, factory);

    MemoryRef page() { return *pool.allocate(kPage); }
    int seen(std::uint64_t address) {
        std::byte byte{};
        return to->read(address, std::span(&byte, 1)) ? static_cast<int>(byte) : -1;
    }
};

TEST_CASE_FIXTURE(Lending, "lent pages lie in a row, pinned, and go without a trace") {
    REQUIRE(to->machine().has_value());
    REQUIRE(map_at(0x10000, 2, kReadWrite).has_value());
    CHECK(put(0x10000, 7));
    const MemoryRef head = page();
    head->direct()[5] = std::byte{1};
    const auto base = to->show_lent(*space, {head, {0x10000, 2 * kPage}, page()}, kReadWrite);
    REQUIRE(base.has_value());
    CHECK(seen(*base + 5) == 1);
    CHECK(seen(*base + kPage) == 7);
    CHECK(seen(*base + 3 * kPage) == 0);
    CHECK(seen(*base + 4 * kPage) == -1);
    CHECK(factory.last->difference(*to) == "");
    CHECK(factory.last->last_populate == machine::Populate::kNow);
    CHECK(to->unmap({*base, kPage}).error() == Errno::kEBUSY);
    CHECK(to->protect({*base + kPage, kPage}, kReadOnly).error() == Errno::kEBUSY);
    to->take_back_lent({*base, 4 * kPage});
    CHECK(to->describe().empty());
    CHECK(factory.last->difference(*to) == "");
    CHECK(space->unmap({0x10000, 2 * kPage}).has_value());
}

TEST_CASE_FIXTURE(Lending, "what cannot be lent changes nothing") {
    REQUIRE(map_at(0x10000, 1, kReadOnly, GrantKind::kShared).has_value());
    CHECK(to->show_lent(*space, {page(), {0x10000, 2 * kPage}, nullptr}, kReadOnly).error() ==
          Errno::kEINVAL);
    CHECK(to->show_lent(*space, {page(), {0x10000, kPage}, nullptr}, kReadWrite).error() == Errno::kEPERM);
    CHECK(to->describe().empty());
    CHECK(pool.used() == kPage);
}

TEST_CASE_FIXTURE(Lending, "files in the middle are pinned for as long as they are lent") {
    const auto owner = std::make_shared<RecordingOwner>();
    REQUIRE(map_file(0x10000, 1, kReadWrite, owner).has_value());
    const auto base = to->show_lent(*space, {nullptr, {0x10000, kPage}, nullptr}, kReadWrite);
    REQUIRE(base.has_value());
    CHECK(space->unmap({0x10000, kPage}).error() == Errno::kEBUSY);
    to->take_back_lent({*base, kPage});
    CHECK(space->unmap({0x10000, kPage}).has_value());
    CHECK(owner->events.size() == 1);
}

TEST_CASE_FIXTURE(Lending, "a server's pages can be a file of its scheme") {
    // Here the fixture's space is the server's.
    const auto owner = std::make_shared<RecordingOwner>();
    REQUIRE(map_at(0x10000, 1, kReadWrite).has_value());
    REQUIRE(map_at(0x11000, 1, kReadWrite).has_value());
    const MapRequest request{.size = 2 * kPage, .protection = kReadWrite};
    const auto base = to->show_file(*space, 0x10000, request, 5 * kPage, owner);
    REQUIRE(base.has_value());
    CHECK(put(0x11000, 9));
    CHECK(seen(*base + kPage) == 9);
    CHECK((to->describe()[0].flags & abi::GrantFlags::kGrantScheme) != 0);
    CHECK(to->unmap({*base + kPage, kPage}).has_value());
    CHECK(owner->events == std::vector<RecordingOwner::Event>{{6 * kPage, kPage, true}});
    CHECK(to->show_file(*space, 0x11000, request, 0, owner).error() == Errno::kEIO);
    CHECK(to->show_file(*space, 0x11001, request, 0, owner).error() == Errno::kEIO);
    CHECK(space->show_file(*space, 0x10000, request, 0, owner).error() == Errno::kEBUSY);
}

}  // namespace
}  // namespace halfcell::mem
