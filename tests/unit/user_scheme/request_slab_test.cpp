#include "kernel_shim/user_scheme/request_slab.h"

#include <doctest/doctest.h>

using namespace halfcell::user_scheme;
using State = Slot::State;

TEST_CASE("tags count up, and the one freed last is used first") {
    RequestSlab slab;
    Request a, b, c, d;
    CHECK(slab.add(a, {}) == 0);
    CHECK(slab.add(b, {}) == 1);
    CHECK(slab.add(c, {}) == 2);
    slab.responded(0);
    slab.responded(2);
    CHECK(slab.add(d, {}) == 2);
    CHECK(slab.find(2)->request == &d);
    CHECK(slab.add(a, {}) == 0);
    CHECK(slab.add(c, {}) == 3);
}

TEST_CASE("a tag waits, is answered, and is vacant once that was collected") {
    RequestSlab slab;
    Request request;
    CHECK(slab.find(0) == nullptr);
    const Tag tag = slab.add(request, {});
    CHECK(slab.find(tag)->state == State::kWaiting);
    slab.responded(tag);
    CHECK(slab.find(tag)->state == State::kResponded);
    CHECK(slab.in_use() == 1);
    slab.collected(tag, request);
    CHECK(slab.find(tag) == nullptr);
    CHECK(slab.find(1) == nullptr);
    CHECK(slab.in_use() == 0);
}

TEST_CASE("collecting late leaves the tag to who has it now") {
    RequestSlab slab;
    Request early, late;
    const Tag tag = slab.add(early, {});
    slab.responded(tag);
    REQUIRE(slab.add(late, {}) == tag);
    slab.collected(tag, early);
    CHECK(slab.find(tag)->state == State::kWaiting);
    slab.responded(tag);
    slab.collected(tag, early);
    CHECK(slab.find(tag)->state == State::kResponded);
}

TEST_CASE("the tag of a killed caller is vacant with the answer") {
    RequestSlab slab;
    Request request;
    const Tag tag = slab.add(request, {});
    slab.find(tag)->request = nullptr;
    int waiting = 0;
    slab.for_each_waiting([&](Tag, Slot&) { ++waiting; });
    CHECK(waiting == 1);
    slab.responded(tag);
    CHECK(slab.find(tag) == nullptr);
}
