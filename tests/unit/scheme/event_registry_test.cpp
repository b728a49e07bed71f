#include "kernel_shim/scheme/event_registry.h"

#include <doctest/doctest.h>

using namespace halfcell;
using namespace halfcell::scheme;

namespace {

constexpr std::uint64_t kRead = 1;
constexpr std::uint64_t kWrite = 2;
constexpr EventSource kFile{SchemeId{4}, HandleNumber{2}};

// Remembers what it got; watched as scheme 2, `number`, where it has one.
class Sink final : public EventSink {
  public:
    explicit Sink(std::optional<std::uint64_t> number = std::nullopt) : number_(number) {}
    void deliver(const abi::Event& event) override { got.push_back(event); }
    [[nodiscard]] std::optional<EventSource> watched_as() const override {
        if (!number_) return std::nullopt;
        return EventSource{SchemeId{2}, HandleNumber{*number_}};
    }
    std::vector<abi::Event> got;

  private:
    std::optional<std::uint64_t> number_;
};

}  // namespace

TEST_CASE("a trigger reaches the registrations whose mask it meets, the youngest first") {
    EventRegistry registry;
    const auto sink = std::make_shared<Sink>();
    CHECK(registry.subscribe(kFile, sink, {1, kRead, 100}) == kRead);
    CHECK(registry.subscribe(kFile, sink, {2, kRead | kWrite, 200}) == (kRead | kWrite));
    CHECK(registry.subscribe(kFile, sink, {3, kWrite, 300}) == (kRead | kWrite));
    registry.trigger(kFile, kRead);
    REQUIRE(sink->got.size() == 2);
    CHECK(sink->got[0].id == 2);
    CHECK(sink->got[0].flags == kRead);
    CHECK(sink->got[0].data == 200);
    CHECK(sink->got[1].id == 1);
}

TEST_CASE("registering again replaces the mask and keeps the data") {
    EventRegistry registry;
    const auto sink = std::make_shared<Sink>();
    registry.subscribe(kFile, sink, {1, kRead, 100});
    CHECK(registry.subscribe(kFile, sink, {1, kWrite, 999}) == kWrite);
    registry.trigger(kFile, kRead);
    CHECK(sink->got.empty());
    registry.trigger(kFile, kWrite);
    REQUIRE(sink->got.size() == 1);
    CHECK(sink->got[0].data == 100);
    CHECK(registry.subscribe(kFile, sink, {1, 0, 0}) == 0);
    CHECK(registry.source_count() == 0);
}

TEST_CASE("queues in queues hear after the direct deliveries, each once") {
    EventRegistry registry;
    const auto inner = std::make_shared<Sink>(0);
    const auto outer = std::make_shared<Sink>(1);
    registry.subscribe(kFile, inner, {40, kRead, 1});
    registry.subscribe(kFile, outer, {40, kRead, 3});
    registry.subscribe(*inner->watched_as(), outer, {37, kRead, 2});
    registry.trigger(kFile, kRead);
    CHECK(inner->got.size() == 1);
    REQUIRE(outer->got.size() == 2);
    CHECK(outer->got[0].data == 3);
    CHECK(outer->got[1].data == 2);
}

TEST_CASE("queues that watch each other do not recurse for ever") {
    EventRegistry registry;
    const auto a = std::make_shared<Sink>(0);
    const auto b = std::make_shared<Sink>(1);
    registry.subscribe(*a->watched_as(), b, {1, kRead, 0});
    registry.subscribe(*b->watched_as(), a, {2, kRead, 0});
    registry.subscribe(kFile, a, {3, kRead, 0});
    registry.trigger(kFile, kRead);
    CHECK(a->got.size() == 2);
    CHECK(b->got.size() == 1);
}

TEST_CASE("a sink that is gone is skipped, a forgotten source is silent") {
    EventRegistry registry;
    const auto sink = std::make_shared<Sink>();
    registry.subscribe(kFile, std::make_shared<Sink>(), {1, kRead, 0});
    registry.subscribe(kFile, sink, {2, kRead, 0});
    registry.trigger(kFile, kRead);
    CHECK(sink->got.size() == 1);
    CHECK(registry.subscription_count() == 1);
    registry.forget(kFile);
    registry.trigger(kFile, kRead);
    CHECK(sink->got.size() == 1);
}
