#include "kernel_shim/base/memory_budget.h"

#include <doctest/doctest.h>

#include <optional>

using namespace halfcell;

TEST_CASE("a budget refuses what would exceed it and has again what comes back") {
    MemoryBudget budget(100);
    CHECK(budget.take(60));
    CHECK_FALSE(budget.take(41));
    CHECK(budget.held() == 60);
    CHECK(budget.take(40));
    CHECK_FALSE(budget.take(1));
    CHECK(budget.take(0));
    budget.take_again(5);
    CHECK_FALSE(budget.take(0));
    budget.give_back(105);
    CHECK(budget.held() == 0);
    CHECK_FALSE(budget.take(UINT64_MAX));
}

TEST_CASE("what an owner holds goes back with it") {
    const auto budget = std::make_shared<MemoryBudget>(100);
    std::optional<HeldBytes> one(budget);
    HeldBytes other(budget);
    REQUIRE(one->grow(70));
    REQUIRE(other.grow(30));
    CHECK_FALSE(other.grow(1));
    CHECK(other.bytes() == 30);
    one->shrink(20);
    CHECK(budget->held() == 80);
    other.absorb(*one);
    CHECK(other.bytes() == 80);
    one.reset();
    CHECK(budget->held() == 80);
    other.shrink(80);
    CHECK(budget->held() == 0);
}
