// Random stores, forks and everything that moves pages about, in a family of spaces, against arrays of pages.

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <array>
#include <tuple>

#include "abi/flags.h"
#include "tests/unit/mem/page_model.h"
#include "tests/unit/mem/space_fixture.h"

namespace halfcell::mem {
namespace {

enum class Call : unsigned { kMap, kUnmap, kProtect, kMove, kAlias, kHold, kStore, kPut, kFork, kTransfer };
constexpr std::array kCalls = {Call::kMap,     Call::kMap,   Call::kMap,   Call::kUnmap,
                               Call::kProtect, Call::kMove,  Call::kAlias, Call::kHold,
                               Call::kStore,   Call::kStore, Call::kStore, Call::kPut,
                               Call::kPut,     Call::kFork,  Call::kFork,  Call::kTransfer};
constexpr std::uint64_t kUsedPages = 24;
constexpr std::size_t kSpaces = 3;

using Numbers = std::tuple<unsigned, unsigned, unsigned, unsigned, unsigned>;

struct Step {
    Call call;
    std::size_t space, other;
    std::uint64_t first, count, target;
    Protection protection;
    GrantKind kind;
    int value;
};

Step decode(const Numbers& numbers) {
    const auto& [call, spaces, first, sizes, bits] = numbers;
    return {.call = kCalls[call % kCalls.size()],
            .space = spaces % kSpaces,
            .other = (spaces % kSpaces + 1 + spaces / kSpaces % (kSpaces - 1)) % kSpaces,
            .first = first % kUsedPages,
            .count = 1 + sizes % 6,
            .target = sizes / 6 % kUsedPages,
            .protection = {.write = (bits & 3) != 0},
            .kind = (bits & 12) == 12 ? GrantKind::kShared : GrantKind::kPrivate,
            .value = static_cast<int>(bits % 250 + 1)};
}

struct Member {
    std::shared_ptr<AddressSpace> space;
    model::PageModel books;

    [[nodiscard]] test::FakeMachine& machine() const {
        return dynamic_cast<test::FakeMachine&>(*space->existing_machine());
    }
};

struct Hold {
    AddressSpace::HeldPage page;
    std::shared_ptr<int> value;
};

class Family {
  public:
    Family() {
        for (Member& member : members_) {
            member.space = AddressSpace::create(pool_, factory_);
            RC_ASSERT(member.space->machine().has_value());
        }
    }

    void run(const Step& step) {
        Member& member = members_[step.space];
        Member& other = members_[step.other];
        auto& pages = member.books.pages;
        auto& page = pages[step.first];
        const std::uint64_t address = step.first * kPage;
        const PageRange range{address, step.count * kPage};
        const std::uint64_t flags = step.protection.write ? abi::MapFlags::kProtWrite : 0;
        const auto byte = static_cast<std::byte>(step.value);
        switch (step.call) {
            case Call::kMap:
                RC_ASSERT(member.space
                              ->map({.address = address,
                                     .size = range.size,
                                     .placement = Placement::kFixed,
                                     .protection = step.protection},
                                    {.kind = step.kind})
                              .has_value());
                for (std::uint64_t i = 0; i < step.count; ++i) {
                    pages[step.first + i].emplace();
                    pages[step.first + i]->kind = step.kind;
                    pages[step.first + i]->protection = step.protection;
                }
                break;
            case Call::kUnmap:
                RC_ASSERT(member.space->unmap(range).has_value());
                member.books.clear(step.first, step.count);
                break;
            case Call::kProtect:
                if (!step.protection.write || all_private(member, step)) {
                    RC_ASSERT(member.space->protect(range, step.protection).has_value());
                    for (std::uint64_t i = 0; i < step.count; ++i)
                        if (auto& changed = pages[step.first + i]) changed->protection = step.protection;
                }
                break;
            case Call::kMove:
                if (step.first + step.count > step.target || !all_private(member, step) ||
                    !member.books.free(step.target, step.count))
                    break;
                RC_ASSERT(member.space
                              ->remap(address, range.size, step.target * kPage, range.size,
                                      flags | abi::MremapFlags::kFixed)
                              .has_value());
                move(member, member, step);
                break;
            case Call::kTransfer:
                if ((step.first < step.target + step.count && step.target < step.first + step.count) ||
                    !all_private(member, step) || !other.books.free(step.target, step.count))
                    break;
                RC_ASSERT(other.space
                              ->transfer(*member.space, address,
                                         {.address = step.target * kPage,
                                          .size = range.size,
                                          .placement = Placement::kFixed,
                                          .protection = step.protection})
                              .has_value());
                move(member, other, step);
                break;
            case Call::kAlias: {
                const auto done =
                    member.space->remap(address, kPage, step.target * kPage, kPage,
                                        flags | abi::MremapFlags::kFixed | abi::MremapFlags::kKeepOld);
                const bool can = shareable(page) && !pages[step.target];
                RC_ASSERT(done.has_value() == can);
                if (!can) break;
                pages[step.target] = page;
                pages[step.target]->protection = step.protection;
                break;
            }
            case Call::kHold: {
                auto held = member.space->hold_page(address);
                RC_ASSERT(held.has_value() == shareable(page));
                if (held) holds_.push_back({std::move(*held), page->value});
                break;
            }
            case Call::kStore:
                RC_ASSERT(member.machine().store(address, std::span(&byte, 1)).has_value() == writable(page));
                if (writable(page)) *page->value = step.value;
                break;
            case Call::kPut:
                RC_ASSERT(member.space->write(address, std::span(&byte, 1)).has_value() == writable(page));
                if (writable(page)) *page->value = step.value;
                break;
            case Call::kFork: {
                other.space = *member.space->clone();
                other.books = member.books;
                for (auto& copy : other.books.pages)
                    if (copy && copy->kind == GrantKind::kPrivate)
                        copy->value = std::make_shared<int>(*copy->value);
                break;
            }
        }
    }

    void compare() {
        for (const Member& member : members_) {
            RC_ASSERT(member.machine().difference(*member.space) == "");
            for (std::uint64_t at = 0; at < 2 * kUsedPages; ++at) {
                const auto& page = member.books.pages[at];
                std::byte byte{};
                RC_ASSERT(member.space->read(at * kPage, std::span(&byte, 1)).has_value() ==
                          page.has_value());
                if (page) RC_ASSERT(static_cast<int>(byte) == *page->value);
                RC_ASSERT(member.machine().load(at * kPage, std::span(&byte, 1)).has_value() ==
                          page.has_value());
                if (page) RC_ASSERT(static_cast<int>(byte) == *page->value);
            }
        }
        for (const Hold& hold : holds_) {
            std::byte byte{};
            RC_ASSERT(hold.page.object->read(hold.page.offset, std::span(&byte, 1)).has_value());
            RC_ASSERT(static_cast<int>(byte) == *hold.value);
        }
    }

    void end() {
        holds_.clear();
        for (Member& member : members_)
            member.space.reset();
        RC_ASSERT(pool_.used() == 0U);
        RC_ASSERT(*factory_.alive == 0);
    }

  private:
    static bool writable(const std::optional<model::Page>& page) { return page && page->protection.write; }
    static bool shareable(const std::optional<model::Page>& page) {
        return writable(page) && page->kind == GrantKind::kPrivate;
    }
    static bool all_private(const Member& member, const Step& step) {
        for (std::uint64_t i = 0; i < step.count; ++i)
            if (const auto& page = member.books.pages[step.first + i];
                page && page->kind != GrantKind::kPrivate)
                return false;
        return true;
    }
    static void move(Member& from, Member& to, const Step& step) {
        for (std::uint64_t i = 0; i < step.count; ++i) {
            auto page = from.books.pages[step.first + i];
            if (!page) page.emplace();
            page->protection = step.protection;
            from.books.pages[step.first + i].reset();
            to.books.pages[step.target + i] = page;
        }
    }

    test::FakePool pool_;
    test::FakeMachineFactory factory_;
    std::array<Member, kSpaces> members_;
    std::vector<Hold> holds_;
};

TEST_CASE("a family of forked spaces agrees with arrays of pages") {
    const auto property = [] {
        const auto steps = *rc::gen::container<std::vector<Numbers>>(80, rc::gen::arbitrary<Numbers>());
        Family family;
        for (const Numbers& numbers : steps) {
            family.run(decode(numbers));
            family.compare();
        }
        family.end();
    };
    CHECK(rc::check(property));
}

}  // namespace
}  // namespace halfcell::mem
