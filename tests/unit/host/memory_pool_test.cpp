#include "kernel_shim/host/memory_pool.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace halfcell::host {

namespace {

constexpr std::uint64_t kMiB = 1 << 20;

std::unique_ptr<machine::Pool> pool_of(PoolOptions options) {
    options.window = std::min<std::uint64_t>(options.window, 4096 * kMiB);
    auto pool = create_memory_pool(options);
    REQUIRE(pool);
    return std::move(*pool);
}

bool all_zero(const machine::MemoryObject& slice) {
    const std::byte* bytes = slice.direct();
    return std::all_of(bytes, bytes + slice.size(), [](std::byte byte) { return byte == std::byte{0}; });
}

// Bytes the host holds for the file behind a slice.
std::uint64_t host_bytes(const machine::MemoryObject& slice) {
    struct stat status {};
    REQUIRE(fstat(slice.backing().file, &status) == 0);
    return static_cast<std::uint64_t>(status.st_blocks) * 512;
}

}  // namespace

TEST_CASE("slices are zero, separate and seen through both windows") {
    const auto pool = pool_of({});
    const auto first = *pool->allocate(4096);
    const auto second = *pool->allocate(8192);
    CHECK(all_zero(*first));
    CHECK(all_zero(*second));
    std::memset(first->direct(), 1, 4096);
    CHECK(all_zero(*second));
    std::array<std::byte, 2> part{};
    REQUIRE(first->read(4094, part));
    CHECK(part[1] == std::byte{1});
    REQUIRE(second->write(8190, part));
    CHECK(second->direct()[8191] == std::byte{1});
    CHECK(pool->used() == 12288);
}

TEST_CASE("a slice that comes again is zero again, cached or not") {
    const auto pool = pool_of({});
    for (const std::uint64_t size :
         {std::uint64_t{4096}, std::uint64_t{5 * 4096}, kMiB, 2 * kMiB, 64 * kMiB}) {
        for (int round = 0; round < 3; ++round) {
            const auto slice = *pool->allocate(size);
            CHECK(all_zero(*slice));
            std::memset(slice->direct(), 0xaa, size);
        }
    }
    CHECK(pool->used() == 0);
}

TEST_CASE("a hardly used slice takes hardly any memory when it is used again") {
    const auto pool = pool_of({});
    {
        const auto slice = *pool->allocate(kMiB);
        slice->direct()[kMiB / 2] = std::byte{1};
    }
    const auto slice = *pool->allocate(kMiB);
    CHECK(host_bytes(*slice) <= 4096 * 2);
    CHECK(all_zero(*slice));
}

TEST_CASE("freed memory goes back to the host, but for a small cache") {
    const auto pool = pool_of({});
    const auto keep = *pool->allocate(4096);
    std::vector<machine::MemoryRef> slices;
    for (int i = 0; i < 64; ++i) {
        slices.push_back(*pool->allocate(kMiB));
        std::memset(slices.back()->direct(), 1, kMiB);
    }
    CHECK(host_bytes(*keep) >= 64 * kMiB);
    slices.clear();
    CHECK(host_bytes(*keep) <= 17 * kMiB);
}

TEST_CASE("a slice knows which of its pages hold anything, also outside the window") {
    const auto pool = pool_of({.largest_direct = 16 * kMiB});
    for (const std::uint64_t size : {8 * kMiB, 64 * kMiB}) {
        const auto before = *pool->allocate(size);
        const auto slice = *pool->allocate(size);
        const auto after = *pool->allocate(size);
        const std::array<std::byte, 1> one{std::byte{1}};
        REQUIRE(before->write(size - 1, one));
        REQUIRE(after->write(0, one));
        CHECK(slice->next_data(0).offset == size);
        CHECK(slice->next_data(0).size == 0);
        REQUIRE(slice->write(5 * 4096 + 7, one));
        const machine::Extent data = slice->next_data(0);
        CHECK(data.offset <= 5 * 4096);
        CHECK(data.offset + data.size >= 6 * 4096);
        CHECK(data.offset + data.size <= size);
        CHECK(slice->next_data(data.offset + data.size).size == 0);
    }
}

TEST_CASE("a discarded part goes back to the host and no longer counts") {
    const auto pool = pool_of({.limit = 8 * kMiB});
    auto slice = *pool->allocate(8 * kMiB);
    std::memset(slice->direct(), 1, 8 * kMiB);
    slice->discard({4 * kMiB, 2 * kMiB});
    CHECK(pool->used() == 6 * kMiB);
    CHECK(host_bytes(*slice) == 6 * kMiB);
    CHECK(slice->direct()[4 * kMiB - 1] == std::byte{1});
    CHECK(slice->direct()[6 * kMiB] == std::byte{1});
    CHECK(pool->allocate(2 * kMiB).has_value());
    slice.reset();
    CHECK(pool->used() == 0);
    CHECK(all_zero(**pool->allocate(8 * kMiB)));
}

TEST_CASE("a reservation counts as memory until it is released or goes") {
    const auto pool = pool_of({.limit = 8 * 4096});
    auto charge = *pool->reserve(5 * 4096);
    CHECK(pool->used() == 5 * 4096);
    CHECK(pool->reserve(4 * 4096).error() == Errno::kENOMEM);
    CHECK(pool->allocate(4 * 4096).error() == Errno::kENOMEM);
    charge->release(2 * 4096);
    CHECK(pool->used() == 3 * 4096);
    CHECK(pool->allocate(4 * 4096));
    charge.reset();
    CHECK(pool->used() == 0);
}

TEST_CASE("the limit is exact and gives ENOMEM") {
    const auto pool = pool_of({.limit = 5 * 4096});
    CHECK(pool->limit() == 5 * 4096);
    CHECK(pool->allocate(6 * 4096).error() == Errno::kENOMEM);
    auto slice = *pool->allocate(4 * 4096);
    CHECK(pool->allocate(2 * 4096).error() == Errno::kENOMEM);
    const auto last = pool->allocate(4096);
    CHECK(last);
    CHECK(pool->allocate(4096).error() == Errno::kENOMEM);
    slice.reset();
    CHECK(pool->allocate(4 * 4096));
}

TEST_CASE("a slice too large for the window is read and written through the file") {
    const auto pool = pool_of({.largest_direct = 16 * 4096});
    const auto slice = *pool->allocate(std::uint64_t{1} << 40);
    CHECK(slice->direct() == nullptr);
    const std::array<std::byte, 3> text = {std::byte{1}, std::byte{2}, std::byte{3}};
    const std::uint64_t end = (std::uint64_t{1} << 40) - 3;
    REQUIRE(slice->write(end, text));
    std::array<std::byte, 3> back{};
    REQUIRE(slice->read(end, back));
    CHECK(back == text);
    REQUIRE(slice->read(4096, back));
    CHECK(back == std::array<std::byte, 3>{});
}

TEST_CASE("slices outlive the pool object") {
    auto pool = pool_of({});
    const auto slice = *pool->allocate(4096);
    pool.reset();
    slice->direct()[0] = std::byte{1};
    CHECK(slice->direct()[0] == std::byte{1});
}

}  // namespace halfcell::host
