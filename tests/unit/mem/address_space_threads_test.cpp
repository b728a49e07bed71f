// Several threads at one address space; run under the thread sanitizer this is the check of its locking.

#include <doctest/doctest.h>

#include <array>
#include <thread>
#include <vector>

#include "kernel_shim/mem/address_space.h"
#include "tests/unit/mem/space_fixture.h"

namespace halfcell::mem {
namespace {

constexpr int kThreads = 4;
constexpr int kRounds = 300;

TEST_CASE_FIXTURE(SpaceFixture, "threads that map, store, pin and unmap do not disturb each other") {
    std::array<int, kThreads> errors{};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&, thread] {
            int& wrong = errors[static_cast<std::size_t>(thread)];
            const auto value = static_cast<std::byte>(thread + 1);
            for (int round = 0; round < kRounds; ++round) {
                const std::vector<std::byte> bytes(3 * kPage, value);
                std::vector<std::byte> back(bytes.size());
                const auto base = map(4, kReadWrite);
                wrong += !base || !space->write(*base + 17, bytes) || !space->read(*base + 17, back) ||
                         back != bytes;
                const auto pinned = space->pin(*base, kPage + 17, Access::kWrite);
                wrong += !pinned || pinned->spans.empty();
                wrong += !space->protect({*base + kPage, kPage}, kReadExecute);
                wrong += !space->unmap({*base, 4 * kPage});
                wrong += pinned && pinned->spans[0].data[17] != value;
                wrong += !space->machine();
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    for (const int wrong : errors)
        CHECK(wrong == 0);
    CHECK(*factory.alive == 1);
    CHECK(space->existing_machine() != nullptr);
    CHECK(space->grants().empty());
    CHECK(pool.used() == 0);
}

TEST_CASE_FIXTURE(SpaceFixture, "two spaces may borrow from each other at the same time") {
    const auto other = AddressSpace::create(pool, factory);
    REQUIRE(map_at(0x10000, 1, kReadWrite).has_value());
    REQUIRE(other->borrow(*space, 0x10000, {.size = kPage}).has_value());
    const auto own = other->map({.address = 0x20000, .size = kPage, .placement = Placement::kFixed}, {});
    REQUIRE(own.has_value());
    const auto borrow_often = [](AddressSpace& to, AddressSpace& from, std::uint64_t address, int& wrong) {
        for (int round = 0; round < kRounds; ++round) {
            const auto base = to.borrow(from, address, {.size = kPage});
            wrong += !base || !to.unmap({*base, kPage});
        }
    };
    std::array<int, 2> errors{};
    std::thread first([&] { borrow_often(*space, *other, 0x20000, errors[0]); });
    std::thread second([&] { borrow_often(*other, *space, 0x10000, errors[1]); });
    first.join();
    second.join();
    CHECK(errors[0] == 0);
    CHECK(errors[1] == 0);
}

}  // namespace
}  // namespace halfcell::mem
