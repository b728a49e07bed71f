#include "schemes/memfs/content.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

using namespace halfcell;
using namespace halfcell::memfs;

namespace {

std::string all_of(const Content& content) {
    std::string text(content.size(), '?');
    CHECK(content.read(0, std::as_writable_bytes(std::span(text))) == text.size());
    return text;
}

auto bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
}

}  // namespace

TEST_CASE("content against a string") {
    const auto budget = std::make_shared<Budget>(UINT64_MAX);
    Content content(budget, {});
    std::string model;
    std::mt19937 random(7);
    for (int step = 0; step < 2000; ++step) {
        const std::size_t offset = random() % 20000;
        if (random() % 4 == 0) {
            REQUIRE(content.resize(offset));
            model.resize(offset);
        } else {
            const std::string text(random() % 9000 + 1, static_cast<char>('a' + random() % 26));
            REQUIRE(content.write(offset, bytes(text)) == text.size());
            if (model.size() < offset + text.size()) model.resize(offset + text.size());
            model.replace(offset, text.size(), text);
        }
        REQUIRE(content.size() == model.size());
        if (step % 50 == 0) REQUIRE(all_of(content) == model);
    }
    CHECK(all_of(content) == model);
    REQUIRE(content.resize(0));
    CHECK(budget->used() == 0);
}

TEST_CASE("sparse and huge") {
    const auto budget = std::make_shared<Budget>(1 << 20);
    Content content(budget, {});
    REQUIRE(content.resize(INT64_MAX));
    CHECK(content.allocated() == 0);
    REQUIRE(content.write(INT64_MAX - 1, bytes("x")) == 1);
    CHECK(content.allocated() == 4096);
    CHECK(content.write(INT64_MAX, bytes("x")).error() == Errno::kEFBIG);
    CHECK(content.write(UINT64_MAX, bytes("x")).error() == Errno::kEFBIG);
    CHECK(content.resize(UINT64_MAX).error() == Errno::kEFBIG);
    std::byte one{};
    CHECK(content.read(INT64_MAX - 1, std::span(&one, 1)) == 1);
    CHECK(one == std::byte{'x'});
    CHECK(content.read(INT64_MAX, std::span(&one, 1)) == 0);
}

TEST_CASE("fixed bytes are copied on the first change only") {
    const auto budget = std::make_shared<Budget>(8192);
    const std::string program(5000, 'p');
    Content content(budget, bytes(program));
    CHECK(all_of(content) == program);
    CHECK(budget->used() == 0);
    REQUIRE(content.write(4999, bytes("!!")) == 2);
    CHECK(content.size() == 5001);
    CHECK(budget->used() == 8192);
    CHECK(program.back() == 'p');
    REQUIRE(content.resize(0));
    CHECK(all_of(content).empty());
}

TEST_CASE("a copy that does not fit changes nothing") {
    const auto budget = std::make_shared<Budget>(4096);
    const std::string program(5000, 'p');
    {
        Content content(budget, bytes(program));
        CHECK(content.write(0, bytes("x")).error() == Errno::kENOSPC);
        CHECK(all_of(content) == program);
        CHECK(budget->used() == 0);
        REQUIRE(content.resize(0));
        CHECK(content.size() == 0);
        CHECK(content.write(0, bytes(program)) == 4096);
    }
    CHECK(budget->used() == 0);
}
