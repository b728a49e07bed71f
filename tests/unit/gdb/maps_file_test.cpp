#include "kernel_shim/gdb/maps_file.h"

#include <doctest/doctest.h>

#include <array>

#include "tests/support/fake_machine.h"

using namespace halfcell;
using namespace halfcell::gdb;

TEST_CASE("the paths of maps name their process") {
    CHECK(process_of_maps("/proc/2/maps") == 2);
    CHECK(process_of_maps("/proc/12/task/34/maps") == 12);
    for (const char* const other :
         {"/proc/2/smaps", "/proc/maps", "/proc/0/maps", "/proc/2/task/maps", "/proc/x/maps",
          "/proc/2/task//maps", "proc/2/maps", "/proc/2", "/proc/-1/maps", "/proc/99999999999999999999/maps"})
        CHECK_MESSAGE(!process_of_maps(other), other);
}

TEST_CASE("grants are lines of maps") {
    test::FakePool pool;
    test::FakeMachineFactory machines;
    const auto space = mem::AddressSpace::create(pool, machines);
    const auto map = [&](std::uint64_t address, mem::Protection protection) {
        REQUIRE(space->map({.address = address,
                            .size = 0x2000,
                            .placement = mem::Placement::kFixed,
                            .protection = protection},
                           {}));
    };
    map(0x400000, {.execute = true});
    map(0x600000, {.write = true});
    const auto file = make_maps_file(*space);
    std::array<std::byte, 200> bytes{};
    const auto size = file->read(0, bytes);
    REQUIRE(size);
    CHECK(as_text(bytes).substr(0, *size) ==
          "400000-402000 r-xp 0 00:00 0 \n600000-602000 rw-p 0 00:00 0 \n");
    CHECK(file->status()->size == *size);
    CHECK(file->read(*size + 1, bytes) == 0);
}
