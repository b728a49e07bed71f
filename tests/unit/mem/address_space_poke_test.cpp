// What a debugger writes into memory that its owner may only read.

#include <doctest/doctest.h>

#include "kernel_shim/mem/address_space.h"
#include "tests/unit/mem/space_fixture.h"

namespace halfcell::mem {
namespace {

constexpr std::byte kBreakpoint{0xcc};
bool poke_in(AddressSpace& space, std::uint64_t address) {
    return space.poke(address, std::span(&kBreakpoint, 1)).has_value();
}

TEST_CASE_FIXTURE(SpaceFixture, "a debugger writes private memory of every protection, and no other") {
    machine();
    REQUIRE(map_at(0x10000, 1, kReadOnly).has_value());
    REQUIRE(map_at(0x11000, 1, kReadExecute).has_value());
    REQUIRE(map_at(0x12000, 1, kReadOnly, GrantKind::kShared).has_value());
    for (const std::uint64_t address : {0x10000, 0x11fff}) {
        CHECK(poke_in(*space, address));
        CHECK(get(address) == 0xcc);
    }
    CHECK_FALSE(poke_in(*space, 0x12000));
    CHECK_FALSE(poke_in(*space, 0x20000));
    CHECK(difference() == "");
}

TEST_CASE_FIXTURE(SpaceFixture, "what a forked process alone has is written there, and its rights stay") {
    machine();
    REQUIRE(map_at(0x10000, 2, kReadExecute).has_value());
    const auto child = space->clone();
    REQUIRE(child);
    CHECK(poke_in(**child, 0x10800));
    CHECK(get(0x10800) == 0);
    CHECK(factory.last->difference(*space) == "");
    std::byte there{};
    REQUIRE((*child)->read(0x10800, std::span(&there, 1)).has_value());
    CHECK(there == kBreakpoint);
    auto* const forked = dynamic_cast<test::FakeMachine*>((*child)->existing_machine());
    REQUIRE(forked);
    CHECK(forked->difference(**child) == "");
    CHECK_FALSE(forked->killed);
}

TEST_CASE_FIXTURE(SpaceFixture, "a process that would keep the right to write is killed") {
    test::FakeMachine& fake = machine();
    REQUIRE(map_at(0x10000, 1, kReadExecute).has_value());
    REQUIRE(space->clone());
    fake.fail_after(1, Errno::kENOMEM);  // the pages become writable, and do not cease to be
    CHECK_FALSE(poke_in(*space, 0x10000));
    CHECK(fake.killed);
}

}  // namespace
}  // namespace halfcell::mem
