#include "kernel_shim/fd/handoff.h"

#include <doctest/doctest.h>

#include "tests/support/fake_scheme.h"

using namespace halfcell;
using fd::Placing;
using fd::Sending;

namespace {

constexpr std::uint64_t kTag = abi::kUpperFdtblTag;

struct Fixture : test::RegisteredScheme<> {
    fd::FdTable sender;
    fd::FdTable receiver;

    Fixture() {
        for (std::uint64_t number = 0; number < 3; ++number)
            REQUIRE(sender.add({open(100 + number), false}));
    }
    auto take(std::vector<std::uint64_t> fds, Sending sending, bool exclusive = false) {
        return fd::take_descriptions(sender, fds, sending, exclusive);
    }
    std::vector<scheme::DescriptionRef> some(std::size_t count) const {
        std::vector<scheme::DescriptionRef> list;
        for (std::size_t i = 0; i < count; ++i)
            list.push_back(open(200 + i));
        return list;
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "moving empties the sender's slots, copying does not") {
    const auto moved = take({2, 0}, Sending::kMove);
    REQUIRE(moved);
    CHECK(moved->descriptions[0]->number().value() == 102);
    CHECK(sender.numbers() == std::vector<std::uint64_t>{1});
    const auto copied = take({1}, Sending::kCopy);
    REQUIRE(copied);
    CHECK(sender.numbers() == std::vector<std::uint64_t>{1});
    CHECK(copied->descriptions[0] == *sender.find(FdNumber{1}));
}

TEST_CASE_FIXTURE(Fixture, "a list with one bad number takes nothing") {
    CHECK(take({0, 9}, Sending::kMove).error() == Errno::kEBADF);
    CHECK(take({0, 65536}, Sending::kMove).error() == Errno::kEMFILE);
    CHECK(take({0, 9}, Sending::kCopy).error() == Errno::kEBADF);
    CHECK(sender.count() == 3);
    CHECK(scheme->closed().empty());
}

TEST_CASE_FIXTURE(Fixture, "exclusive sending wants the only reference") {
    CHECK(take({0}, Sending::kMove, true));
    const auto other = *sender.find(FdNumber{1});
    CHECK(take({1}, Sending::kMove, true).error() == Errno::kEBUSY);
    CHECK(take({2}, Sending::kCopy, true).error() == Errno::kEBUSY);
    CHECK(sender.numbers() == std::vector<std::uint64_t>{2});
}

TEST_CASE_FIXTURE(Fixture, "what exclusive sending refuses is closed, not lost") {
    const auto held = *sender.find(FdNumber{1});
    CHECK_FALSE(take({0, 1}, Sending::kMove, true));
    CHECK(scheme->closed() == std::vector<std::uint64_t>{100});
}

TEST_CASE_FIXTURE(Fixture, "what was moved can go back to where it was, with its mark") {
    REQUIRE(sender.set_cloexec(FdNumber{2}, true));
    const std::uint64_t fds[] = {2, 0, 1};
    auto moved = *fd::take_descriptions(sender, fds, Sending::kMove, false);
    // One has gone elsewhere, and the place of another is taken.
    moved.descriptions[1] = {};
    REQUIRE(sender.insert(FdNumber{1}, {open(300), false}));
    fd::give_back(sender, fds, std::move(moved));
    CHECK(sender.numbers() == std::vector<std::uint64_t>{1, 2});
    CHECK(sender.find_descriptor(FdNumber{2})->cloexec);
    CHECK(sender.find(FdNumber{1}).value()->number().value() == 300);
    CHECK(scheme->closed() == std::vector<std::uint64_t>{100, 101});
    // Copies never left.
    fd::give_back(sender, std::span(fds).first(1),
                  *fd::take_descriptions(sender, std::span(fds).first(1), Sending::kCopy, false));
    CHECK(sender.count() == 2);
}

TEST_CASE_FIXTURE(Fixture, "received descriptions go to lower slots, an upper run, or named slots") {
    auto list = some(2);
    auto numbers = fd::place_descriptions(receiver, list, true, Placing::kLower, {});
    REQUIRE(numbers);
    CHECK(*numbers == std::vector<FdNumber>{FdNumber{0}, FdNumber{1}});
    CHECK(receiver.find_descriptor(FdNumber{1})->cloexec);

    list = some(2);
    numbers = fd::place_descriptions(receiver, list, false, Placing::kUpperRun, {});
    CHECK(*numbers == std::vector<FdNumber>{FdNumber{kTag}, FdNumber{kTag | 1}});

    list = some(2);
    const std::uint64_t named[] = {7, 5};
    numbers = fd::place_descriptions(receiver, list, false, Placing::kUpperNamed, named);
    CHECK(*numbers == std::vector<FdNumber>{FdNumber{kTag | 7}, FdNumber{kTag | 5}});
    CHECK(receiver.find(FdNumber{kTag | 7}).value()->number().value() == 200);
}

TEST_CASE_FIXTURE(Fixture, "a failed placement leaves the descriptions with the caller") {
    auto list = some(2);
    const std::uint64_t twice[] = {7, 7};
    CHECK(fd::place_descriptions(receiver, list, false, Placing::kUpperNamed, twice).error() ==
          Errno::kEINVAL);
    const std::uint64_t one[] = {7};
    CHECK(fd::place_descriptions(receiver, list, false, Placing::kUpperNamed, one).error() == Errno::kEINVAL);
    REQUIRE(list[0]);
    REQUIRE(list[1]);
    CHECK(list[1]->number().value() == 201);
    CHECK(receiver.count() == 0);
    CHECK(scheme->closed().empty());
}
