#include "kernel_shim/mem/user_slice.h"

#include <doctest/doctest.h>

#include <array>

#include "tests/unit/mem/space_fixture.h"

namespace halfcell::mem {
namespace {

TEST_CASE("both ends of a buffer lie strictly below the end of user space, also of an empty one") {
    CHECK(valid_user_range(0, 0));
    CHECK(valid_user_range(0, machine::kUserEnd - 1));
    CHECK_FALSE(valid_user_range(0, machine::kUserEnd));
    CHECK(valid_user_range(machine::kUserEnd - 1, 0));
    CHECK_FALSE(valid_user_range(machine::kUserEnd - 1, 1));
    CHECK_FALSE(valid_user_range(machine::kUserEnd, 0));
    CHECK_FALSE(valid_user_range(UINT64_MAX, 0));
    CHECK_FALSE(valid_user_range(4096, UINT64_MAX));
    CHECK_FALSE(valid_user_range(4096, UINT64_MAX - 4095));
}

TEST_CASE_FIXTURE(SpaceFixture, "making a slice touches nothing, using it does") {
    CHECK(UserIn::create(*space, 0, 10).has_value());
    CHECK(UserIn::create(*space, machine::kUserEnd - 1, 1).error() == Errno::kEFAULT);
    CHECK(UserOut::create(*space, machine::kUserEnd, 0).error() == Errno::kEFAULT);
    CHECK(UserInOut::create(*space, 0, machine::kUserEnd).error() == Errno::kEFAULT);
    const auto slice = *UserIn::create(*space, 0, 10);
    std::array<std::byte, 4> bytes{};
    CHECK(slice.read(0, bytes).error() == Errno::kEFAULT);
}

TEST_CASE_FIXTURE(SpaceFixture, "exact values need room, common bytes take what there is") {
    const std::uint64_t base = *map(1, kReadWrite);
    const std::uint64_t value = 0x0123456789abcdef;
    CHECK(UserOut::create(*space, base + 1, 9)->write_exact(value).has_value());
    CHECK(UserOut::create(*space, base, 7)->write_exact(value).error() == Errno::kEINVAL);
    CHECK(*UserIn::create(*space, base + 1, 8)->read_exact<std::uint64_t>() == value);
    CHECK(*UserIn::create(*space, base + 1, 100)->read_exact<std::uint64_t>() == value);
    CHECK(UserIn::create(*space, base + 1, 7)->read_exact<std::uint64_t>().error() == Errno::kEINVAL);
    CHECK(*UserOut::create(*space, base, 3)->write_common("hello") == 3);
    CHECK(*UserOut::create(*space, base, 30)->write_common("hello") == 5);
    CHECK(*UserIn::create(*space, base, 5)->read_string(5) == "hello");
    CHECK(UserIn::create(*space, base, 5)->read_string(4).error() == Errno::kENAMETOOLONG);
    CHECK(*UserIn::create(*space, base, 0)->read_string(0) == "");
}

TEST_CASE_FIXTURE(SpaceFixture, "too short beats unmapped: the size is looked at first") {
    CHECK(UserIn::create(*space, 0, 4)->read_exact<std::uint64_t>().error() == Errno::kEINVAL);
    CHECK(UserIn::create(*space, 0, 8)->read_exact<std::uint64_t>().error() == Errno::kEFAULT);
}

TEST_CASE_FIXTURE(SpaceFixture, "an in-out payload is one buffer seen from both sides") {
    const std::uint64_t base = *map(1, kReadWrite);
    const auto payload = *UserInOut::create(*space, base, 8);
    CHECK(*payload.out().write_common("payload") == 7);
    CHECK(*payload.in().read_string(8) == std::string("payload\0", 8));
    CHECK(payload.in().address() == base);
    CHECK(payload.space() == space.get());
}

TEST_CASE_FIXTURE(SpaceFixture, "a part stays inside its slice") {
    const std::uint64_t base = *map(1, kReadWrite);
    const auto slice = *UserOut::create(*space, base, 10);
    CHECK(slice.part(4, 100).size() == 6);
    CHECK(slice.part(4, 2).address() == base + 4);
    CHECK(slice.part(20, 2).empty());
}

TEST_CASE("slices may lie in the supervisor") {
    std::array<std::byte, 8> room{};
    const auto payload = UserInOut::local(room);
    CHECK(payload.space() == nullptr);
    CHECK(payload.address() == 0);
    CHECK(*payload.out().part(2, 3).write_common("abcdef") == 3);
    CHECK(room[2] == std::byte{'a'});
    CHECK(room[5] == std::byte{0});
    CHECK(*UserIn::local("text").read_string(10) == "text");
    const auto pinned = *payload.in().pin(2, 3);
    REQUIRE(pinned.spans.size() == 1);
    CHECK(pinned.spans[0].data == room.data() + 2);
    CHECK(UserOut::local(room).pin(0, 0)->spans.empty());
}

}  // namespace
}  // namespace halfcell::mem
