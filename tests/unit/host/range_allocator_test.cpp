#include "kernel_shim/host/range_allocator.h"

#include <doctest/doctest.h>

#include <map>
#include <random>

namespace halfcell::host {

TEST_CASE("the smallest range that fits is taken, and neighbours merge") {
    RangeAllocator ranges(0, 100);
    CHECK(ranges.take(10) == 0);
    CHECK(ranges.take(20) == 10);
    CHECK(ranges.take(5) == 30);
    CHECK(ranges.take(65) == 35);
    CHECK_FALSE(ranges.take(1));
    ranges.give(10, 20);
    ranges.give(0, 10);
    CHECK(ranges.take(25) == 0);
    ranges.give(30, 5);
    CHECK(ranges.take(10) == 25);
    CHECK(ranges.free_bytes() == 0);
    ranges.give(0, 100);
    CHECK(ranges.take(100) == 0);
}

TEST_CASE("a best fit leaves large ranges whole") {
    RangeAllocator ranges(0, 100);
    CHECK(ranges.take(100) == 0);
    ranges.give(0, 40);
    ranges.give(50, 10);
    CHECK(ranges.take(10) == 50);
    CHECK(ranges.take(40) == 0);
}

TEST_CASE("random traffic never hands out a byte twice and loses none") {
    constexpr std::uint64_t kSize = 1000;
    RangeAllocator ranges(0, kSize);
    std::map<std::uint64_t, std::uint64_t> taken;
    std::uint64_t used = 0;
    std::mt19937 random(4711);
    for (int step = 0; step < 20000; ++step) {
        if (random() % 2 == 0) {
            const std::uint64_t size = 1 + random() % 50;
            const auto offset = ranges.take(size);
            if (!offset) continue;
            const auto next = taken.lower_bound(*offset);
            REQUIRE((next == taken.end() || *offset + size <= next->first));
            REQUIRE((next == taken.begin() || std::prev(next)->first + std::prev(next)->second <= *offset));
            taken.emplace(*offset, size);
            used += size;
        } else if (!taken.empty()) {
            auto victim = taken.begin();
            std::advance(victim, static_cast<long>(random() % taken.size()));
            ranges.give(victim->first, victim->second);
            used -= victim->second;
            taken.erase(victim);
        }
        REQUIRE(ranges.free_bytes() == kSize - used);
    }
}

}  // namespace halfcell::host
