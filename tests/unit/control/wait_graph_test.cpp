#include "kernel_shim/control/wait_graph.h"

#include <doctest/doctest.h>

namespace halfcell::control {

namespace {

ContextInGraph sleeper(std::uint64_t id, std::optional<std::vector<ContextIndex>> wakers,
                       bool timed = false) {
    return {.context = id,
            .pid = static_cast<std::uint32_t>(id),
            .name = "p" + std::to_string(id),
            .reason = "PipeRead::read",
            .call = "read",
            .timed = timed,
            .wakers = std::move(wakers)};
}
ContextInGraph runner(std::uint64_t id) {
    return {.context = id,
            .pid = static_cast<std::uint32_t>(id),
            .name = "run",
            .reason = {},
            .call = {},
            .wakers = {}};
}

}  // namespace

TEST_CASE("two that wait for each other are a deadlock, and are named") {
    const WaitGraph graph{{sleeper(1, {{1}}), sleeper(2, {{0}})}, {}};
    const auto found = find_deadlocks(graph.contexts);
    REQUIRE(found.size() == 1);
    CHECK(found[0] == Deadlock{0, 1});
    CHECK(describe_deadlock(graph, found[0]) ==
          "1:1 p1 (PipeRead::read) waits for 2:2 p2; 2:2 p2 (PipeRead::read) waits for 1:1 p1");
}

TEST_CASE("one who can still act saves all who depend on him") {
    // 1 <-> 2, but 2 may be woken by 3, who runs; 4 waits for 1.
    const std::vector<ContextInGraph> contexts{sleeper(1, {{1}}), sleeper(2, {{0, 2}}), runner(3),
                                               sleeper(4, {{0}})};
    CHECK(find_deadlocks(contexts).empty());
}

TEST_CASE("who sleeps for a time, or for somebody outside, is not stuck") {
    CHECK(find_deadlocks(std::vector{sleeper(1, {{1}}), sleeper(2, {{0}}, true)}).empty());
    CHECK(find_deadlocks(std::vector{sleeper(1, {{1}}), sleeper(2, std::nullopt)}).empty());
}

TEST_CASE("who waits for nobody there is, is stuck alone; who waits for him, with him") {
    const std::vector<ContextInGraph> contexts{sleeper(1, {{}}), sleeper(2, {{0}}), sleeper(3, {{}})};
    const auto found = find_deadlocks(contexts);
    REQUIRE(found.size() == 2);
    CHECK(found[0].size() + found[1].size() == 3);
}

}  // namespace halfcell::control
