// A process forked by a guest's agent: what it shares, what is its own, and that nothing of it stays.

#include <array>
#include <filesystem>
#include <fstream>
#include <future>

#include "kernel_shim/agent/protocol.h"
#include "tests/unit/agent/engine_fixture.h"

namespace halfcell::agent {

namespace {

constexpr std::uint64_t kPrivate = 0x600000;
constexpr std::uint64_t kPrivateSize = 0x10000;

Result<void> map_private(machine::Machine& machine, const machine::MemoryObject& object) {
    const machine::Mapping mapping{.range = {kPrivate, kPrivateSize},
                                   .object = &object,
                                   .protection = {.write = true},
                                   .sharing = machine::Sharing::kPrivate};
    const machine::Progress progress = machine.map_all({&mapping, 1});
    if (progress.error) return fail(*progress.error);
    return {};
}

std::uint64_t word_at(const machine::Machine& machine, std::uint64_t address) {
    std::uint64_t word = 0;
    REQUIRE(machine.read(address, std::as_writable_bytes(std::span(&word, 1))));
    return word;
}

void set_word(machine::Machine& machine, std::uint64_t address, std::uint64_t word) {
    REQUIRE(machine.write(address, std::as_bytes(std::span(&word, 1))));
}

// Lets a guest thread of `machine` run one entry to its end; what it reports in rsi.
std::uint64_t run(machine::Machine& machine, const std::byte* entry, std::uint64_t rdi,
                  std::uint64_t rsi = 0) {
    machine::ThreadRegisters registers = start_at(entry);
    registers.rdi = rdi;
    registers.rsi = rsi;
    const auto thread = machine.start_thread(registers);
    REQUIRE(thread);
    const std::uint64_t reported = expect_end(**thread).args[1];
    (*thread)->end();
    return reported;
}

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator list("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(list), end(list)));
}

std::size_t child_processes() {
    std::size_t count = 0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream file(task.path() / "children");
        for (pid_t child = 0; file >> child;)
            ++count;
    }
    return count;
}

// An object no host can map.
class Unmappable final : public machine::MemoryObject {
  public:
    [[nodiscard]] std::uint64_t size() const override { return machine::kPageSize; }
    [[nodiscard]] machine::Backing backing() const override { return {}; }
    [[nodiscard]] std::byte* direct() const override { return nullptr; }
    Result<void> read(std::uint64_t, std::span<std::byte>) const override { return fail(Errno::kEIO); }
    Result<void> write(std::uint64_t, std::span<const std::byte>) override { return fail(Errno::kEIO); }
};

}  // namespace

TEST_CASE("stores into a private mapping are the process's own and leave the object alone") {
    Guest guest;
    const auto object = Guest::allocate(kPrivateSize);
    object->direct()[0] = std::byte{7};
    REQUIRE(map_private(guest.machine(), *object));
    CHECK(run(guest.machine(), guest_load, kPrivate) == 7);
    CHECK(run(guest.machine(), guest_store, kPrivate, 8) == 8);
    CHECK(word_at(guest.machine(), kPrivate) == 8);
    CHECK(object->direct()[0] == std::byte{7});
    set_word(guest.machine(), kPrivate + 8, 9);
    CHECK(run(guest.machine(), guest_load, kPrivate + 8) == 9);
}

TEST_CASE("a forked machine shares what is shared and copies what is private, on both sides") {
    Guest guest;
    const auto object = Guest::allocate(kPrivateSize);
    REQUIRE(map_private(guest.machine(), *object));
    run(guest.machine(), guest_store, kPrivate, 1);
    auto child = guest.machine().fork();
    REQUIRE(child);
    CHECK(word_at(**child, kPrivate) == 1);
    run(guest.machine(), guest_store, kPrivate, 2);
    run(**child, guest_store, kPrivate + 0x1000, 3);
    run(**child, guest_store, kGuestData, 4);
    CHECK(word_at(**child, kPrivate) == 1);
    CHECK(word_at(guest.machine(), kPrivate) == 2);
    CHECK(word_at(guest.machine(), kPrivate + 0x1000) == 0);
    CHECK(guest.data()[0] == 4);
    // The child of the child, and a child without its parent.
    auto grandchild = (*child)->fork();
    REQUIRE(grandchild);
    guest.drop_machine();
    child->reset();
    CHECK(run(**grandchild, guest_load, kPrivate + 0x1000) == 3);
}

TEST_CASE("a forked machine does not have the areas of its parent's threads") {
    Guest guest;
    const auto in_call = guest.start(start_at(guest_end));
    expect_end(*in_call);
    std::uint64_t word = 0;
    const auto area = std::as_writable_bytes(std::span(&word, 1));
    REQUIRE(guest.machine().read(HC_THREAD_AREAS, area));
    auto child = guest.machine().fork();
    REQUIRE(child);
    // The child lets go of them before it takes its first command.
    REQUIRE((*child)->unmap({kGuestData + kGuestDataSize, 0x1000}));
    CHECK((*child)->read(HC_THREAD_AREAS, area).error() == Errno::kEFAULT);
    // Threads of both meet their own areas, and the one in a call has not noticed.
    CHECK(run(**child, guest_store, kGuestData, 5) == 5);
    in_call->reply(0);
    expect_end(*in_call);
    in_call->end();
    CHECK(run(guest.machine(), guest_store, kGuestData, 6) == 6);
}

TEST_CASE("a batch tells how far it came, however long it is") {
    Guest guest;
    const auto object = Guest::allocate(machine::kPageSize);
    const Unmappable unmappable;
    for (const std::size_t good : {std::size_t{0}, std::size_t{2}, std::size_t{63}, std::size_t{100}}) {
        std::vector<machine::Mapping> mappings;
        for (std::size_t i = 0; i < 130; ++i)
            mappings.push_back({.range = {kPrivate + i * 2 * machine::kPageSize, machine::kPageSize},
                                .object = i == good ? &unmappable : object.get()});
        const machine::Progress progress = guest.machine().map_all(mappings);
        CHECK(progress.done == good);
        CHECK(progress.error == Errno::kEBADF);
    }
    const machine::Mapping nothing{.range = {kPrivate, 200 * machine::kPageSize}};
    CHECK_FALSE(guest.machine().map_all({&nothing, 1}).error);
    const machine::Mapping stub{.range = {machine::kReservedBase, machine::kPageSize}};
    CHECK(guest.machine().map_all({&stub, 1}).error == Errno::kEINVAL);
}

TEST_CASE("reading and writing where nothing is mapped, or not for writing, is EFAULT") {
    Guest guest;
    std::array<std::byte, 16> bytes{};
    CHECK(guest.machine().read(0x700000, bytes).error() == Errno::kEFAULT);
    CHECK(guest.machine().read(kGuestData + kGuestDataSize - 8, bytes).error() == Errno::kEFAULT);
    CHECK(guest.machine().write(kGuestCode, bytes).error() == Errno::kEFAULT);
    CHECK(guest.machine().read(kGuestCode, bytes));
}

TEST_CASE("a machine that is gone can neither be forked nor read") {
    Guest guest;
    std::promise<void> dead;
    guest.machine().on_death([&] { dead.set_value(); });
    guest.machine().kill();
    dead.get_future().wait();
    std::array<std::byte, 8> bytes{};
    CHECK(guest.machine().fork().error() == Errno::kESRCH);
    CHECK(guest.machine().read(kGuestData, bytes).error() == Errno::kESRCH);
    CHECK(guest.machine().write(kGuestData, bytes).error() == Errno::kESRCH);
}

TEST_CASE("a machine killed while it forks leaves nothing behind") {
    { const Guest first; }
    const std::size_t descriptors = open_descriptors();
    const std::size_t processes = child_processes();
    for (int round = 0; round < 50; ++round) {
        Guest guest;
        auto killer = std::async(std::launch::async, [&] { guest.machine().kill(); });
        for (;;) {
            auto child = guest.machine().fork();
            if (child) continue;
            CHECK(child.error() == Errno::kESRCH);
            break;
        }
    }
    CHECK(open_descriptors() == descriptors);
    CHECK(child_processes() == processes);
}

TEST_CASE("forked machines leave no descriptor and no process behind") {
    Guest guest;
    const auto object = Guest::allocate(kPrivateSize);
    REQUIRE(map_private(guest.machine(), *object));
    { REQUIRE(guest.machine().fork()); }
    const std::size_t descriptors = open_descriptors();
    const std::size_t processes = child_processes();
    for (int round = 0; round < 50; ++round) {
        auto child = guest.machine().fork();
        REQUIRE(child);
        run(**child, guest_store, kPrivate, 1);
    }
    CHECK(open_descriptors() == descriptors);
    CHECK(child_processes() == processes);
}

}  // namespace halfcell::agent
