#include "kernel_shim/mem/map_request.h"

#include <doctest/doctest.h>

#include "abi/flags.h"

namespace halfcell::mem {
namespace {

using Flags = abi::MapFlags;

TEST_CASE("the two MAP_FIXED bits together mean no replacing, the upper one alone means nothing") {
    CHECK(placement_of(0) == Placement::kAnywhere);
    CHECK(placement_of(0x8) == Placement::kAnywhere);
    CHECK(placement_of(0x4) == Placement::kFixed);
    CHECK(placement_of(0xc) == Placement::kFixedNoReplace);
}

TEST_CASE("only WRITE and EXEC matter, and only MAP_SHARED chooses the kind") {
    CHECK(protection_of(Flags::kProtRead) == Protection{});
    CHECK(protection_of(UINT64_MAX) == Protection{.write = true, .execute = true});
    CHECK(anonymous_kind(Flags::kMapPrivate) == GrantKind::kPrivate);
    CHECK(anonymous_kind(Flags::kMapPrivate | Flags::kMapShared) == GrantKind::kShared);
}

struct Row {
    std::uint64_t address;
    std::uint64_t size;
    Errno span, region, file;  // Errno{} stands for a good range
};

Errno error_of(const Result<PageRange>& range) {
    return range ? Errno{} : range.error();
}

TEST_CASE("each kind of caller has its own rule for ranges") {
    const Errno good{};
    const Row rows[] = {
        {0, 0, Errno::kEINVAL, Errno::kEINVAL, Errno::kEINVAL},
        {0, 1, Errno::kEINVAL, Errno::kEINVAL, good},
        {0, 4096, good, good, good},
        {1, 4096, Errno::kEINVAL, Errno::kEINVAL, Errno::kEINVAL},
        {0, machine::kUserEnd, good, good, good},
        {4096, machine::kUserEnd, Errno::kEINVAL, Errno::kEFAULT, Errno::kEINVAL},
        {machine::kUserEnd - 4096, 4096, good, good, good},
        {machine::kUserEnd - 4096, 8192, Errno::kEINVAL, Errno::kEFAULT, Errno::kEINVAL},
        {machine::kUserEnd, 4096, Errno::kEINVAL, Errno::kEFAULT, Errno::kEINVAL},
        {0xffff800000000000, 4096, Errno::kEINVAL, Errno::kEFAULT, Errno::kEINVAL},
        {UINT64_MAX - 4095, 4096, Errno::kEINVAL, Errno::kEFAULT, Errno::kEINVAL},
        {0, UINT64_MAX - 4095, Errno::kEINVAL, Errno::kEFAULT, Errno::kEINVAL},
        {0, UINT64_MAX, Errno::kEINVAL, Errno::kEINVAL, Errno::kEINVAL},
    };
    for (const Row& row : rows) {
        CAPTURE(row.address);
        CAPTURE(row.size);
        CHECK(error_of(validate_range(row.address, row.size, RangeRule::kSpan)) == row.span);
        CHECK(error_of(validate_range(row.address, row.size, RangeRule::kRegion)) == row.region);
        CHECK(error_of(validate_range(row.address, row.size, RangeRule::kFile)) == row.file);
    }
}

TEST_CASE("a file's size is rounded up to pages") {
    const abi::Map map{.offset = 0, .size = 4097, .flags = Flags::kMapShared, .address = 0};
    CHECK(map_request(map, RangeRule::kFile)->size == 8192);
    CHECK_FALSE(map_request(map, RangeRule::kSpan).has_value());
}

TEST_CASE("unknown flag bits are refused only where a caller asks for that") {
    CHECK(
        refuse_unknown_map_flags(Flags::kProtRead | Flags::kMapFixedNoreplace | Flags::kMapLazy).has_value());
    CHECK(refuse_unknown_map_flags(0x20).error() == Errno::kEINVAL);
    const abi::Map map{.offset = 0, .size = 4096, .flags = 0x20, .address = 0};
    CHECK(map_request(map, RangeRule::kSpan).has_value());
}

}  // namespace
}  // namespace halfcell::mem
