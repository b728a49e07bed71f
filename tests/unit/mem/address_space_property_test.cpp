// Random calls against an array of pages: the same answers, the same contents, the same list of grants, and a
// machine that shows exactly that after every step.

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <array>
#include <tuple>

#include "abi/flags.h"
#include "tests/unit/mem/page_model.h"
#include "tests/unit/mem/space_fixture.h"

namespace halfcell::mem {
namespace {

enum class Call : unsigned { kMap, kMapFixed, kMapNoReplace, kUnmap, kProtect, kMove, kAlias, kStore };
// Unmapping and moving come up more often than mapping, so that there is always room to move to.
constexpr std::array kCalls = {Call::kMap,   Call::kMapFixed, Call::kMapNoReplace, Call::kUnmap,
                               Call::kUnmap, Call::kUnmap,    Call::kProtect,      Call::kProtect,
                               Call::kMove,  Call::kMove,     Call::kMove,         Call::kMove,
                               Call::kAlias, Call::kStore,    Call::kStore,        Call::kStore};

struct Step {
    Call call;
    std::uint64_t first;
    std::uint64_t count;
    std::uint64_t target;
    std::uint64_t target_count;
    Protection protection;
    GrantKind kind;
    int value;
};

using Numbers = std::tuple<unsigned, unsigned, unsigned, unsigned, unsigned, unsigned>;

Step decode(const Numbers& numbers) {
    const auto& [call, first, count, target, target_count, bits] = numbers;
    return {.call = kCalls[call % kCalls.size()],
            .first = first % (model::kPages / 2),
            .count = 1 + count % 8,
            .target = target % (model::kPages / 2),
            .target_count = 1 + target_count % 8,
            .protection = {.write = (bits & 1) != 0, .execute = (bits & 2) != 0},
            .kind = (bits & 12) == 12 ? GrantKind::kShared : GrantKind::kPrivate,
            .value = static_cast<int>(bits % 250 + 1)};
}

bool gains(Protection from, Protection to) {
    return (to.write && !from.write) || (to.execute && !from.execute);
}

// The model's answer to each call; errors as the manual says, in its order.
class Model {
  public:
    model::PageModel books;

    Result<std::uint64_t> run(const Step& step) {
        switch (step.call) {
            case Call::kMap: {
                const auto hole = books.find_hole(step.count, 1);
                if (!hole || *hole + step.count > model::kPages) return fail(Errno::kENOMEM);
                fill(*hole, step.count, step.protection, step.kind);
                return *hole;
            }
            case Call::kMapNoReplace:
                if (!books.free(step.first, step.count)) return fail(Errno::kEEXIST);
                [[fallthrough]];
            case Call::kMapFixed:
                fill(step.first, step.count, step.protection, step.kind);
                return step.first;
            case Call::kUnmap:
                books.clear(step.first, step.count);
                return 0;
            case Call::kProtect:
                return protect(step);
            case Call::kMove:
                return move(step);
            case Call::kAlias:
                return alias(step);
            case Call::kStore: {
                auto& page = books.pages[step.first];
                if (!page || !page->protection.write) return fail(Errno::kEFAULT);
                *page->value = step.value;
                return 0;
            }
        }
        return fail(Errno::kEINVAL);
    }

  private:
    void fill(std::uint64_t first, std::uint64_t count, Protection protection, GrantKind kind) {
        for (std::uint64_t at = first; at < first + count; ++at) {
            books.pages[at] = model::Page{};
            books.pages[at]->protection = protection;
            books.pages[at]->kind = kind;
        }
    }
    Result<std::uint64_t> protect(const Step& step) {
        for (std::uint64_t at = step.first; at < step.first + step.count; ++at) {
            auto& page = books.pages[at];
            if (!page) continue;
            if (page->kind != GrantKind::kPrivate && gains(page->protection, step.protection))
                return fail(Errno::kEACCES);
            page->protection = step.protection;
        }
        return 0;
    }
    Result<std::uint64_t> move(const Step& step) {
        if (!books.free(step.target, step.target_count)) return fail(Errno::kEEXIST);
        for (std::uint64_t at = step.first; at < step.first + step.count; ++at) {
            const auto& page = books.pages[at];
            if (page && page->kind != GrantKind::kPrivate && gains(page->protection, step.protection))
                return fail(Errno::kEPERM);
        }
        if (step.first < step.target + step.target_count && step.target < step.first + step.count)
            return fail(Errno::kEBUSY);
        for (std::uint64_t i = 0; i < step.target_count; ++i) {
            auto page = i < step.count ? books.pages[step.first + i] : std::nullopt;
            if (!page) page.emplace();
            page->protection = step.protection;
            books.pages[step.target + i] = page;
        }
        books.clear(step.first, step.count);
        return step.target;
    }
    Result<std::uint64_t> alias(const Step& step) {
        const auto page = books.pages[step.first];
        if (!page) return fail(Errno::kEINVAL);
        if (page->kind != GrantKind::kPrivate) return fail(Errno::kEPERM);
        if (!page->protection.write) return fail(Errno::kENOMEM);
        if (books.pages[step.target]) return fail(Errno::kEEXIST);
        books.pages[step.target] = page;
        books.pages[step.target]->protection = step.protection;
        return step.target;
    }
};

Result<std::uint64_t> run(SpaceFixture& fixture, const Step& step) {
    const std::uint64_t flags = (step.protection.write ? abi::MapFlags::kProtWrite : 0) |
                                (step.protection.execute ? abi::MapFlags::kProtExec : 0);
    const PageRange range{step.first * kPage, step.count * kPage};
    const auto map = [&](Placement placement) {
        return fixture.map_at(range.base, step.count, step.protection, step.kind, placement);
    };
    const auto done = [](const Result<void>& result) -> Result<std::uint64_t> {
        if (!result) return fail(result.error());
        return 0;
    };
    switch (step.call) {
        case Call::kMap:
            return map(Placement::kAnywhere);
        case Call::kMapFixed:
            return map(Placement::kFixed);
        case Call::kMapNoReplace:
            return map(Placement::kFixedNoReplace);
        case Call::kUnmap:
            return done(fixture.space->unmap(range));
        case Call::kProtect:
            return done(fixture.space->protect(range, step.protection));
        case Call::kMove:
            return fixture.space->remap(range.base, range.size, step.target * kPage,
                                        step.target_count * kPage, flags | abi::MremapFlags::kFixed);
        case Call::kAlias:
            return fixture.space->remap(range.base, range.size, step.target * kPage, kPage,
                                        flags | abi::MremapFlags::kFixed | abi::MremapFlags::kKeepOld);
        case Call::kStore: {
            const auto byte = static_cast<std::byte>(step.value);
            return done(fixture.space->write(range.base, std::span(&byte, 1)));
        }
    }
    return fail(Errno::kEINVAL);
}

void compare(SpaceFixture& fixture, const Model& model) {
    RC_ASSERT(fixture.difference() == "");
    std::uint64_t listed = 0;
    for (const abi::GrantDesc& grant : fixture.space->describe())
        listed += grant.size / kPage;
    std::uint64_t pages = 0;
    for (std::uint64_t at = 0; at < model::kPages; ++at) {
        const auto& page = model.books.pages[at];
        RC_ASSERT(fixture.get(at * kPage) == (page ? *page->value : -1));
        RC_ASSERT(fixture.factory.last->mapped(at * kPage) == page.has_value());
        if (!page) continue;
        ++pages;
        RC_ASSERT(fixture.factory.last->writable(at * kPage) == page->protection.write);
        RC_ASSERT(fixture.factory.last->executable(at * kPage) == page->protection.execute);
    }
    RC_ASSERT(listed == pages);
    // Neighbours that Redox would have merged are listed as one.
    const auto list = fixture.space->describe();
    for (std::size_t i = 1; i < list.size(); ++i)
        RC_ASSERT(list[i - 1].base + list[i - 1].size != list[i].base || list[i - 1].flags != list[i].flags ||
                  (list[i].flags & abi::GrantFlags::kGrantShared) != 0);
}

TEST_CASE("random calls agree with an array of pages") {
    const auto property = [](bool machine_first) {
        // Long sequences also for the first, small tries.
        const auto steps = *rc::gen::container<std::vector<Numbers>>(60, rc::gen::arbitrary<Numbers>());
        SpaceFixture fixture;
        Model model;
        if (machine_first) fixture.machine();
        for (const Numbers& numbers : steps) {
            const Step step = decode(numbers);
            const auto expected = model.run(step);
            if (step.call == Call::kMap && !expected) continue;
            const auto answered = run(fixture, step);
            RC_ASSERT(answered.has_value() == expected.has_value());
            if (answered) {
                const bool address =
                    step.call != Call::kUnmap && step.call != Call::kProtect && step.call != Call::kStore;
                RC_ASSERT(*answered == *expected * (address ? kPage : 1));
            } else {
                RC_ASSERT(answered.error() == expected.error());
            }
            RC_ASSERT(fixture.difference() == "");
        }
        fixture.machine();
        compare(fixture, model);
    };
    CHECK(rc::check(property));
}

TEST_CASE("a host that refuses now and then never parts books and process") {
    const auto property = [](const std::vector<std::pair<Numbers, unsigned>>& steps) {
        SpaceFixture fixture;
        test::FakeMachine& shown = fixture.machine();
        for (const auto& [numbers, failure] : steps) {
            if (failure % 3 == 0) shown.fail_after(static_cast<int>(failure % 12) / 3, Errno::kENOMEM);
            (void)run(fixture, decode(numbers));
            RC_ASSERT(fixture.difference() == "");
            RC_ASSERT(!shown.killed);
        }
    };
    CHECK(rc::check(property));
}

}  // namespace
}  // namespace halfcell::mem
