#pragma once

// An address space on fakes, with shorthands for the calls the tests make most.

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "kernel_shim/mem/address_space.h"
#include "tests/support/fake_machine.h"

namespace halfcell::mem {

inline constexpr std::uint64_t kPage = machine::kPageSize;

// Remembers what it was told.
class RecordingOwner final : public GrantOwner {
  public:
    struct Event {
        std::uint64_t offset;
        std::uint64_t size;
        bool needs_sync;
        friend bool operator==(const Event&, const Event&) = default;
    };
    void unmapped(std::uint64_t offset, std::uint64_t size, bool needs_sync) override {
        events.push_back({offset, size, needs_sync});
    }
    std::vector<Event> events;
};

class SpaceFixture {
  public:
    test::FakePool pool;
    test::FakeMachineFactory factory;
    std::shared_ptr<AddressSpace> space = AddressSpace::create(pool, factory);

    test::FakeMachine& machine() {
        const auto made = space->machine();
        REQUIRE(made.has_value());
        return *factory.last;
    }
    Result<std::uint64_t> map(std::uint64_t pages, Protection protection = {},
                              GrantKind kind = GrantKind::kPrivate) {
        return space->map({.size = pages * kPage, .protection = protection}, {.kind = kind});
    }
    Result<std::uint64_t> map_at(std::uint64_t address, std::uint64_t pages, Protection protection = {},
                                 GrantKind kind = GrantKind::kPrivate,
                                 Placement placement = Placement::kFixed) {
        return space->map(
            {.address = address, .size = pages * kPage, .placement = placement, .protection = protection},
            {.kind = kind});
    }
    Result<std::uint64_t> map_file(std::uint64_t address, std::uint64_t pages, Protection protection,
                                   const std::shared_ptr<GrantOwner>& owner, std::uint64_t file_offset = 0) {
        const MemoryRef object = TRY(pool.allocate(pages * kPage));
        return space->map({.address = address,
                           .size = pages * kPage,
                           .placement = Placement::kFixed,
                           .protection = protection},
                          {.kind = GrantKind::kFile,
                           .object = object,
                           .object_offset = 0,
                           .file_offset = file_offset,
                           .owner = owner});
    }
    bool put(std::uint64_t address, std::uint8_t value) {
        const std::byte byte{value};
        return space->write(address, std::span(&byte, 1)).has_value();
    }
    // -1 where nothing is mapped.
    int get(std::uint64_t address) {
        std::byte byte{};
        return space->read(address, std::span(&byte, 1)) ? static_cast<int>(byte) : -1;
    }
    // Empty when the machine (if there is one) shows what the grants say.
    std::string difference() {
        return space->existing_machine() ? factory.last->difference(*space) : std::string();
    }
};

inline constexpr Protection kReadOnly{};
inline constexpr Protection kReadWrite{.write = true};
inline constexpr Protection kReadExecute{.execute = true};

}  // namespace halfcell::mem
