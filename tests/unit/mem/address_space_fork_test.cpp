// Clones of spaces that have a process: it forks, and only what others can reach is copied at once.

#include <doctest/doctest.h>

#include "abi/flags.h"
#include "kernel_shim/mem/address_space.h"
#include "kernel_shim/mem/hot_pages.h"
#include "tests/unit/mem/space_fixture.h"

namespace halfcell::mem {
namespace {

constexpr std::uint64_t kKeepOld =
    abi::MapFlags::kProtWrite | abi::MremapFlags::kFixed | abi::MremapFlags::kKeepOld;
constexpr std::uint64_t kMove = abi::MapFlags::kProtWrite | abi::MremapFlags::kFixed;

test::FakeMachine& machine_of(AddressSpace& space) {
    auto* const machine = dynamic_cast<test::FakeMachine*>(space.existing_machine());
    REQUIRE(machine);
    return *machine;
}

int byte_at(AddressSpace& space, std::uint64_t address) {
    std::byte byte{};
    return space.read(address, std::span(&byte, 1)) ? static_cast<int>(byte) : -1;
}

// By the supervisor, and by the guest itself.
bool put_in(AddressSpace& space, std::uint64_t address, int value) {
    const auto byte = static_cast<std::byte>(value);
    return space.write(address, std::span(&byte, 1)).has_value();
}
bool store_in(AddressSpace& space, std::uint64_t address, int value) {
    const auto byte = static_cast<std::byte>(value);
    return machine_of(space).store(address, std::span(&byte, 1)).has_value();
}

bool copied_on_write(AddressSpace& space, std::uint64_t address) {
    return space.grant_at(address)->copy_on_write;
}

class ForkFixture : public SpaceFixture {
  public:
    ForkFixture() { machine(); }
    std::shared_ptr<AddressSpace> fork() {
        auto child = space->clone();
        REQUIRE(child);
        CHECK(machine_of(*space).difference(*space) == "");
        CHECK(machine_of(**child).difference(**child) == "");
        return *child;
    }
};

TEST_CASE_FIXTURE(ForkFixture, "a process forks, and both sides have their own bytes from then on") {
    REQUIRE(map_at(0x10000, 4, kReadWrite).has_value());
    REQUIRE(map_at(0x20000, 1, kReadWrite, GrantKind::kShared).has_value());
    CHECK(put(0x11000, 1));
    const auto child = fork();
    CHECK(machine_of(*space).operations.forks == 1);
    CHECK(copied_on_write(*space, 0x10000));
    CHECK(copied_on_write(*child, 0x10000));
    CHECK(store_in(*space, 0x11000, 2));
    CHECK(put_in(*child, 0x11001, 3));
    CHECK(byte_at(*child, 0x11000) == 1);
    CHECK(byte_at(*space, 0x11000) == 2);
    CHECK(byte_at(*space, 0x11001) == 0);
    CHECK(store_in(*child, 0x20000, 4));
    CHECK(get(0x20000) == 4);
    CHECK(space->describe().size() == 2);
    CHECK(child->describe().size() == 2);
}

TEST_CASE_FIXTURE(ForkFixture, "a second fork has nothing left to freeze") {
    REQUIRE(map_at(0x10000, 4, kReadWrite).has_value());
    const auto first = fork();
    CHECK(store_in(*space, 0x10000, 5));
    const int batches = machine_of(*space).operations.batches;
    const auto second = fork();
    const auto third = *first->clone();
    CHECK(machine_of(*space).operations.batches == batches + 1);
    CHECK(byte_at(*second, 0x10000) == 5);
    CHECK(byte_at(*third, 0x10000) == 0);
    space.reset();
    CHECK(byte_at(*second, 0x10000) == 5);
}

TEST_CASE_FIXTURE(ForkFixture, "rights are those of the books, and bytes that are nowhere are EFAULT") {
    REQUIRE(map_at(0x10000, 2, kReadWrite).has_value());
    REQUIRE(map_at(0x12000, 1, kReadOnly).has_value());
    const auto child = fork();
    CHECK_FALSE(put_in(*child, 0x12000, 1));
    CHECK(byte_at(*child, 0x12000) == 0);
    CHECK(child->protect({0x10000, kPage}, kReadOnly).has_value());
    CHECK(child->protect({0x12000, kPage}, kReadWrite).has_value());
    CHECK_FALSE(put_in(*child, 0x10000, 1));
    CHECK(put_in(*child, 0x12000, 6));
    CHECK(byte_at(*child, 0x12000) == 6);
    CHECK(child->unmap({0x11000, kPage}).has_value());
    CHECK(byte_at(*child, 0x11000) == -1);
    CHECK(machine_of(*child).difference(*child) == "");
    std::array<std::byte, 16> bytes{};
    CHECK(child->read(0x10ff8, bytes).error() == Errno::kEFAULT);
    CHECK(child->write(0x11ff8, bytes).error() == Errno::kEFAULT);
    machine_of(*child).kill();
    CHECK(byte_at(*child, 0x10000) == -1);
    CHECK(child->unmap({0x10000, kPage}).has_value());
}

TEST_CASE_FIXTURE(ForkFixture, "a buffer of copy-on-write bytes is read and written, but never pinned") {
    REQUIRE(map_at(0x10000, 1, kReadWrite).has_value());
    const auto child = fork();
    REQUIRE(map_at(0x11000, 1, kReadWrite).has_value());
    const auto pinned = space->pin(0x10800, kPage, Access::kWrite);
    REQUIRE(pinned);
    CHECK(pinned->spans.empty());
    CHECK(pinned->objects.empty());
    CHECK(child->pin(0x10800, kPage, Access::kRead).error() == Errno::kEFAULT);
    // One copy over a grant of each kind.
    std::array<std::byte, 32> bytes{};
    bytes.fill(std::byte{7});
    CHECK(space->write(0x10ff0, bytes).has_value());
    CHECK(get(0x10fff) == 7);
    CHECK(get(0x11000) == 7);
}

TEST_CASE_FIXTURE(ForkFixture, "a held page stays shared with its holder, and only that page is copied") {
    REQUIRE(map_at(0x10000, 8, kReadWrite).has_value());
    CHECK(put(0x13000, 1));
    const auto held = *space->hold_page(0x13123);
    CHECK(held.offset == 0);
    CHECK(difference() == "");
    CHECK(space->describe().size() == 1);
    const auto child = fork();
    CHECK_FALSE(copied_on_write(*space, 0x13000));
    CHECK(copied_on_write(*space, 0x12000));
    CHECK(copied_on_write(*space, 0x14000));
    CHECK_FALSE(copied_on_write(*child, 0x13000));
    CHECK(child->grant_at(0x13000)->range.size == kPage);
    CHECK(store_in(*space, 0x13000, 2));
    CHECK(held.object->direct()[0] == std::byte{2});
    CHECK(byte_at(*child, 0x13000) == 1);
    // The child's page is live at once when it is held in its turn.
    const auto held_by_child = *child->hold_page(0x13000);
    held_by_child.object->direct()[0] = std::byte{3};
    CHECK(byte_at(*child, 0x13000) == 3);
    CHECK(get(0x13000) == 2);
}

TEST_CASE_FIXTURE(ForkFixture,
                  "a page held again is the same page, and one that others have stays where it is") {
    REQUIRE(map_at(0x10000, 2, kReadWrite).has_value());
    const auto first = *space->hold_page(0x10000);
    const auto second = *space->hold_page(0x10fff);
    CHECK(first.object == second.object);
    const auto pinned = *space->pin(0x11000, 8, Access::kRead);
    const auto third = *space->hold_page(0x11000);
    CHECK(pinned.spans[0].data == third.object->direct() + third.offset);
    CHECK(space->hold_page(0x20000).error() == Errno::kEINVAL);
    REQUIRE(map_at(0x20000, 1, kReadOnly).has_value());
    REQUIRE(map_at(0x21000, 1, kReadWrite, GrantKind::kShared).has_value());
    CHECK(space->hold_page(0x20000).error() == Errno::kENOMEM);
    CHECK(space->hold_page(0x21000).error() == Errno::kEPERM);
}

TEST_CASE_FIXTURE(ForkFixture,
                  "holding a copy-on-write page keeps its bytes and leaves its neighbours alone") {
    REQUIRE(map_at(0x10000, 4, kReadWrite).has_value());
    CHECK(put(0x12000, 1));
    const auto child = fork();
    CHECK(store_in(*child, 0x12000, 2));
    const std::uint64_t used = pool.used();
    const auto held = *child->hold_page(0x12000);
    CHECK(pool.used() == used);
    CHECK(held.object->direct()[0] == std::byte{2});
    CHECK(store_in(*child, 0x12000, 3));
    CHECK(held.object->direct()[0] == std::byte{3});
    CHECK(copied_on_write(*child, 0x11000));
    CHECK(copied_on_write(*child, 0x13000));
    CHECK(machine_of(*child).difference(*child) == "");
    CHECK(child->describe().size() == 1);
    CHECK(byte_at(*space, 0x12000) == 1);
}

TEST_CASE_FIXTURE(ForkFixture,
                  "only a store that met a page on the move is made again, and only once for a move") {
    REQUIRE(map_at(0x10000, 2, kReadWrite).has_value());
    REQUIRE(map_at(0x20000, 1, kReadOnly).has_value());
    std::uint64_t moves = 0;
    CHECK_FALSE(space->store_was_held_up(0x10000, moves));
    const auto held = *space->hold_page(0x10000);
    CHECK_FALSE(space->store_was_held_up(0x20000, moves));
    CHECK_FALSE(space->store_was_held_up(0x30000, moves));
    CHECK(space->store_was_held_up(0x10000, moves));
    CHECK_FALSE(space->store_was_held_up(0x10000, moves));
}

TEST_CASE_FIXTURE(ForkFixture,
                  "pages with an alias, a borrower or a pin are copied at once, each by itself") {
    REQUIRE(map_at(0x10000, 4, kReadWrite).has_value());
    REQUIRE(map_at(0x20000, 2, kReadWrite).has_value());
    REQUIRE(map_at(0x30000, 2, kReadWrite).has_value());
    CHECK(put(0x11000, 1));
    CHECK(space->remap(0x11000, kPage, 0x40000, kPage, kKeepOld) == 0x40000);
    const auto borrower = AddressSpace::create(pool, factory);
    const auto window = *borrower->borrow(*space, 0x20000, {.size = kPage, .protection = kReadWrite});
    const auto pinned = *space->pin(0x30000, 8, Access::kWrite);
    const auto child = fork();
    CHECK(copied_on_write(*space, 0x10000));
    for (const std::uint64_t address : {0x11000, 0x40000, 0x20000, 0x30000}) {
        CHECK_FALSE(copied_on_write(*space, address));
        CHECK_FALSE(copied_on_write(*child, address));
    }
    CHECK(store_in(*space, 0x40000, 2));
    CHECK(get(0x11000) == 2);
    CHECK(byte_at(*child, 0x40000) == 1);
    CHECK(store_in(*child, 0x40000, 3));
    CHECK(byte_at(*child, 0x11000) == 1);
    CHECK(put_in(*borrower, window, 4));
    CHECK(get(0x20000) == 4);
    CHECK(byte_at(*child, 0x20000) == 0);
    pinned.spans[0].data[0] = std::byte{5};
    CHECK(get(0x30000) == 5);
    CHECK(byte_at(*child, 0x30000) == 0);
}

TEST_CASE_FIXTURE(ForkFixture, "copy-on-write bytes can be moved, aliased, borrowed and transferred") {
    REQUIRE(map_at(0x10000, 8, kReadWrite).has_value());
    const auto child = fork();
    for (std::uint64_t page = 0; page < 8; ++page)
        CHECK(store_in(*child, 0x10000 + page * kPage, static_cast<int>(page + 1)));
    CHECK(child->remap(0x10000, 2 * kPage, 0x20000, 3 * kPage, kMove) == 0x20000);
    CHECK(byte_at(*child, 0x21000) == 2);
    CHECK(byte_at(*child, 0x10000) == -1);
    CHECK(child->remap(0x12000, kPage, 0x30000, kPage, kKeepOld) == 0x30000);
    CHECK(store_in(*child, 0x30000, 30));
    CHECK(byte_at(*child, 0x12000) == 30);
    const auto window = *space->borrow(*child, 0x13000, {.size = 2 * kPage, .protection = kReadWrite});
    CHECK(store_in(*space, window + kPage, 50));
    CHECK(byte_at(*child, 0x14000) == 50);
    CHECK(byte_at(*space, window) == 4);
    const auto moved = *space->transfer(
        *child, 0x15000,
        {.address = 0x50000, .size = kPage, .placement = Placement::kFixed, .protection = kReadWrite});
    CHECK(byte_at(*space, moved) == 6);
    CHECK(byte_at(*child, 0x15000) == -1);
    CHECK(copied_on_write(*child, 0x16000));
    CHECK(byte_at(*child, 0x17000) == 8);
    CHECK(machine_of(*child).difference(*child) == "");
    CHECK(machine_of(*space).difference(*space) == "");
    CHECK(byte_at(*space, 0x12000) == 0);
}

TEST_CASE_FIXTURE(ForkFixture, "what a clone does not have is gone from its process too") {
    const auto owner = std::make_shared<RecordingOwner>();
    REQUIRE(map_file(0x10000, 1, kReadWrite, owner).has_value());
    REQUIRE(map_at(0x20000, 1, kReadWrite, GrantKind::kContiguous).has_value());
    REQUIRE(map_at(0x30000, 1, kReadOnly, GrantKind::kPhysical).has_value());
    const auto child = fork();
    CHECK_FALSE(machine_of(*child).mapped(0x10000));
    CHECK_FALSE(machine_of(*child).mapped(0x20000));
    CHECK(machine_of(*child).mapped(0x30000));
    CHECK(owner->events.empty());
}

TEST_CASE_FIXTURE(ForkFixture, "the page Linux does not have is copied, and the rest of its grant is not") {
    REQUIRE(map_at(machine::kHostUserEnd - 3 * kPage, 4, kReadWrite).has_value());
    CHECK(put(machine::kHostUserEnd + 1, 1));
    const auto child = fork();
    CHECK(copied_on_write(*child, machine::kHostUserEnd - kPage));
    CHECK(put(machine::kHostUserEnd + 1, 2));
    CHECK(byte_at(*child, machine::kHostUserEnd + 1) == 1);
    const auto grandchild = *child->clone();
    CHECK(byte_at(*grandchild, machine::kHostUserEnd + 1) == 1);
    CHECK(child->describe().size() == 1);
}

TEST_CASE_FIXTURE(ForkFixture, "a child's private bytes are charged, and given back piece by piece") {
    REQUIRE(map_at(0x10000, 4, kReadWrite).has_value());
    REQUIRE(map_at(0x20000, 2, kReadWrite, GrantKind::kShared).has_value());
    auto child = fork();
    CHECK(pool.used() == 10 * kPage);
    CHECK(child->unmap({0x11000, kPage}).has_value());
    CHECK(pool.used() == 9 * kPage);
    auto grandchild = *child->clone();
    CHECK(pool.used() == 12 * kPage);
    child.reset();
    CHECK(pool.used() == 9 * kPage);
    // What lies below the grandchild's pages is the parent's, and outlives it.
    space.reset();
    CHECK(pool.used() == 9 * kPage);
    CHECK(byte_at(*grandchild, 0x10000) == 0);
    grandchild.reset();
    CHECK(pool.used() == 0);
    CHECK(*factory.alive == 0);
}

TEST_CASE_FIXTURE(ForkFixture, "a clone over the memory limit is ENOMEM, and no process was forked") {
    REQUIRE(map_at(0x10000, 4, kReadWrite).has_value());
    pool.set_limit(7 * kPage);
    CHECK(space->clone().error() == Errno::kENOMEM);
    CHECK(machine().operations.forks == 0);
    CHECK(pool.used() == 4 * kPage);
    CHECK(*factory.alive == 1);
}

TEST_CASE_FIXTURE(ForkFixture,
                  "whatever step of a fork the host refuses, nothing is lost and nothing stays") {
    REQUIRE(map_at(0x10000, 2, kReadWrite).has_value());
    REQUIRE(map_at(0x20000, 2, kReadOnly).has_value());
    REQUIRE(map_at(0x30000, 1, kReadWrite).has_value());
    const auto held = *space->hold_page(0x30000);
    CHECK(put(0x10000, 1));
    CHECK(put(0x30000, 2));
    const std::uint64_t used = pool.used();
    // The first of two grants to freeze; the second, while the first stays frozen; the fork.
    for (const int step : {0, 1, 1}) {
        machine().fail_after(step, Errno::kENOMEM);
        CHECK(space->clone().error() == Errno::kENOMEM);
        CHECK(difference() == "");
        CHECK_FALSE(machine().killed);
        CHECK(get(0x10000) == 1);
        CHECK(store_in(*space, 0x10000, 1));
        CHECK(pool.used() == used);
        CHECK(*factory.alive == 1);
        machine().fail_after(100, Errno::kENOMEM);
    }
    machine().kill();
    CHECK(space->clone().error() == Errno::kESRCH);
}

TEST_CASE_FIXTURE(ForkFixture, "a page that cannot be moved stays as it was") {
    REQUIRE(map_at(0x10000, 2, kReadWrite).has_value());
    const auto child = fork();
    CHECK(store_in(*child, 0x10000, 1));
    auto& shown = machine_of(*child);
    // Protecting and mapping; a mapping that has removed the page is made again from the copy.
    shown.fail_after(0, Errno::kENOMEM);
    CHECK(child->hold_page(0x10000).error() == Errno::kENOMEM);
    CHECK(shown.difference(*child) == "");
    CHECK(store_in(*child, 0x10000, 2));
    shown.fail_after(1, Errno::kENOMEM);
    CHECK(child->hold_page(0x10000).has_value());
    CHECK(shown.difference(*child) == "");
    CHECK(byte_at(*child, 0x10000) == 2);
    shown.kill();
    CHECK(child->hold_page(0x11000).error() == Errno::kESRCH);
}

TEST_CASE_FIXTURE(ForkFixture, "a page that calls keep coming back to gets an object of its own") {
    REQUIRE(map_at(0x10000, 3, kReadWrite).has_value());
    CHECK(put(0x11000, 5));
    const auto child = fork();
    const auto once = [&](std::uint32_t i) {
        return i % 2 == 0 ? byte_at(*child, 0x11000) == 5 : put_in(*child, 0x11001, 6);
    };
    for (std::uint32_t i = 1; i < HotPages::kAccesses; ++i)
        CHECK(once(i));
    CHECK(copied_on_write(*child, 0x11000));
    CHECK(once(0));
    CHECK_FALSE(copied_on_write(*child, 0x11000));
    CHECK(copied_on_write(*child, 0x10000));
    CHECK(copied_on_write(*child, 0x12000));
    CHECK(byte_at(*child, 0x11001) == 6);
    CHECK(store_in(*child, 0x11001, 7));
    CHECK(byte_at(*child, 0x11001) == 7);
    CHECK(byte_at(*space, 0x11001) == 0);
    CHECK(machine_of(*child).difference(*child) == "");
    CHECK(child->describe().size() == 1);
}

TEST_CASE_FIXTURE(ForkFixture, "a hot page for which there is no memory goes on through the process") {
    REQUIRE(map_at(0x10000, 1, kReadWrite).has_value());
    const auto child = fork();
    pool.set_limit(pool.used());
    for (std::uint32_t i = 0; i < 2 * HotPages::kAccesses; ++i)
        CHECK(put_in(*child, 0x10000, 1));
    CHECK(copied_on_write(*child, 0x10000));
    CHECK(byte_at(*child, 0x10000) == 1);
}

TEST_CASE("pages that are asked for in turn are told apart from one that is asked for always") {
    HotPages pages;
    int hot = 0;
    for (std::uint32_t i = 0; i < HotPages::kAccesses * 64; ++i)
        hot += pages.accessed(std::uint64_t{i} * kPage) ? 1 : 0;
    CHECK(hot == 0);
    for (std::uint32_t page = 0; page < HotPages::kMost + 5; ++page)
        for (std::uint32_t i = 0; i < 2 * HotPages::kAccesses && !pages.accessed(page * kPage); ++i) {
        }
    for (std::uint32_t i = 0; i < 2 * HotPages::kAccesses; ++i)
        hot += pages.accessed(0x5000) ? 1 : 0;
    CHECK(hot == 0);
}

TEST_CASE_FIXTURE(ForkFixture, "a huge grant of which little was touched is forked and moved in no time") {
    constexpr std::uint64_t kHuge = std::uint64_t{1} << 40;
    REQUIRE(map_at(0x10000, kHuge / kPage, kReadWrite).has_value());
    const auto child = fork();
    CHECK(store_in(*child, 0x10000 + kHuge / 2, 6));
    CHECK(child->remap(0x10000, kHuge, 0x10000 + kHuge, kHuge, kMove) == 0x10000 + kHuge);
    CHECK(byte_at(*child, 0x10000 + kHuge + kHuge / 2) == 6);
}

}  // namespace
}  // namespace halfcell::mem
