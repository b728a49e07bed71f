#include "kernel_shim/mem/region_map.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <tuple>

#include "tests/unit/mem/page_model.h"

namespace halfcell::mem {
namespace {

constexpr std::uint64_t kPage = machine::kPageSize;

Grant grant(std::uint64_t base, std::uint64_t pages, GrantKind kind = GrantKind::kPrivate) {
    return Grant{.range = {base, pages * kPage}, .kind = kind};
}

TEST_CASE("an empty map has one hole, and placement starts at the lowest mappable address") {
    RegionMap map;
    CHECK(map.find_hole(kPage, kPage) == kPage);
    CHECK(map.find_hole(machine::kReservedBase - kPage, kPage) == kPage);
    CHECK_FALSE(map.find_hole(machine::kReservedBase, kPage).has_value());
    CHECK_FALSE(map.find_hole(kPage, machine::kUserEnd).has_value());
}

TEST_CASE("the smallest hole that fits is chosen, the lowest among equals") {
    RegionMap map;
    map.insert(grant(0, 1));
    map.insert(grant(4 * kPage, 1));    // a hole of 3 pages at 1
    map.insert(grant(7 * kPage, 1));    // a hole of 2 pages at 5
    map.insert(grant(10 * kPage, 10));  // a hole of 2 pages at 8
    CHECK(map.find_hole(kPage, 0) == 5 * kPage);
    CHECK(map.find_hole(2 * kPage, 0) == 5 * kPage);
    CHECK(map.find_hole(3 * kPage, 0) == 1 * kPage);
    CHECK(map.find_hole(4 * kPage, 0) == 20 * kPage);
    // A hole counts with its whole size, also the part below the lowest mappable address.
    CHECK(map.find_hole(kPage, 6 * kPage) == 6 * kPage);
    CHECK(map.find_hole(2 * kPage, 6 * kPage) == 8 * kPage);
}

TEST_CASE("kernel-chosen placement never meets the stub's range") {
    RegionMap map;
    map.insert(Grant{.range = {0, machine::kReservedBase - 2 * kPage}});
    CHECK(map.find_hole(2 * kPage, kPage) == machine::kReservedBase - 2 * kPage);
    CHECK_FALSE(map.find_hole(3 * kPage, kPage).has_value());
    map.insert(grant(machine::kReservedBase - 2 * kPage, 2));
    CHECK_FALSE(map.find_hole(kPage, kPage).has_value());
}

TEST_CASE("private neighbours of equal rights are listed as one, others are not") {
    RegionMap map;
    map.insert(grant(0x10000, 1));
    map.insert(grant(0x11000, 1));
    map.insert(grant(0x12000, 1, GrantKind::kShared));
    map.insert(grant(0x13000, 1, GrantKind::kShared));
    Grant writable = grant(0x14000, 1);
    writable.protection.write = true;
    map.insert(writable);
    map.insert(grant(0x15000, 1));
    const auto list = map.describe();
    REQUIRE(list.size() == 5);
    CHECK(list[0].size == 2 * kPage);
    CHECK(list[1].flags == (abi::GrantFlags::kGrantRead | abi::GrantFlags::kGrantShared));
    CHECK(list[3].flags == (abi::GrantFlags::kGrantRead | abi::GrantFlags::kGrantWrite));
    CHECK(list[4].offset == UINT64_MAX);
}

TEST_CASE("joined pieces are one grant until something is cut between them") {
    RegionMap map;
    map.insert(grant(0x10000, 1, GrantKind::kBorrowed));
    Grant second = grant(0x11000, 2, GrantKind::kBorrowed);
    second.joined = true;
    map.insert(second);
    CHECK(map.describe().size() == 1);
    map.isolate({0x12000, kPage});
    CHECK(map.describe().size() == 2);
    CHECK(map.describe()[0].size == 2 * kPage);
    // What comes into the place of the first piece has nothing to do with the second.
    map.remove({0x10000, kPage});
    map.insert(grant(0x10000, 1, GrantKind::kBorrowed));
    CHECK(map.describe().size() == 3);
}

TEST_CASE("parts cut off a contiguous grant lose the mark, the part worked on keeps it") {
    RegionMap map;
    map.insert(grant(0x10000, 3, GrantKind::kContiguous));
    map.isolate({0x11000, kPage});
    CHECK(map.find(0x10000)->kind == GrantKind::kPrivate);
    CHECK(map.find(0x11000)->kind == GrantKind::kContiguous);
    CHECK(map.find(0x12000)->kind == GrantKind::kPrivate);
}

TEST_CASE("pins show on borrowed and shared grants only") {
    Grant pinned = grant(0x10000, 1, GrantKind::kBorrowed);
    pinned.pins = 1;
    CHECK((pinned.flags() & abi::GrantFlags::kGrantPinned) != 0);
    pinned.kind = GrantKind::kFile;
    CHECK(pinned.flags() ==
          (abi::GrantFlags::kGrantRead | abi::GrantFlags::kGrantShared | abi::GrantFlags::kGrantScheme));
}

// Grants of the property test are files whose id stands in the upper bits of the offset.
struct ModelFile {
    std::uint64_t id;
    std::uint64_t page;
};

enum class Operation { kInsert, kRemove, kIsolate, kFindHole };

TEST_CASE("any sequence of operations agrees with an array of pages") {
    const auto property = [](const std::vector<std::tuple<int, std::uint32_t, std::uint32_t>>& steps) {
        RegionMap map;
        model::PageModel holes;
        std::array<std::optional<ModelFile>, model::kPages> pages;
        std::uint64_t next_id = 1;
        for (const auto& [kind, start, length] : steps) {
            const std::uint64_t first = start % (model::kPages / 2);
            const std::uint64_t count = 1 + length % 12;
            const PageRange range{first * kPage, count * kPage};
            switch (static_cast<Operation>(static_cast<unsigned>(kind) % 4)) {
                case Operation::kInsert: {
                    RC_ASSERT(map.overlaps(range) == !holes.free(first, count));
                    if (map.overlaps(range)) break;
                    Grant file = grant(range.base, count, GrantKind::kFile);
                    file.file_offset = next_id << 40;
                    map.insert(file);
                    for (std::uint64_t i = 0; i < count; ++i) {
                        pages[first + i] = ModelFile{next_id, i};
                        holes.pages[first + i].emplace();
                    }
                    ++next_id;
                    break;
                }
                case Operation::kRemove: {
                    std::uint64_t removed = 0;
                    std::uint64_t expected = 0;
                    for (const Grant& gone : map.remove(range)) {
                        RC_ASSERT(range.contains(gone.range));
                        removed += gone.range.size / kPage;
                    }
                    for (std::uint64_t i = 0; i < count; ++i) {
                        expected += pages[first + i] ? 1 : 0;
                        pages[first + i].reset();
                    }
                    holes.clear(first, count);
                    RC_ASSERT(removed == expected);
                    break;
                }
                case Operation::kIsolate:
                    map.isolate(range);
                    break;
                case Operation::kFindHole: {
                    const std::uint64_t lowest = length % 20;
                    const auto expected = holes.find_hole(count, lowest);
                    const auto found = map.find_hole(count * kPage, lowest * kPage);
                    RC_ASSERT(found.has_value() && expected.has_value());
                    RC_ASSERT(*found == *expected * kPage);
                    break;
                }
            }
            for (std::uint64_t page = 0; page < model::kPages; ++page) {
                const Grant* const found = map.find(page * kPage);
                RC_ASSERT((found != nullptr) == pages[page].has_value());
                if (!found) continue;
                const std::uint64_t offset = found->file_offset + (page * kPage - found->range.base);
                RC_ASSERT(offset == (pages[page]->id << 40) + pages[page]->page * kPage);
            }
        }
    };
    CHECK(rc::check(property));
}

}  // namespace
}  // namespace halfcell::mem
