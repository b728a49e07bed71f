#pragma once

// Stand-ins for the Linux side of an address space: memory from the heap, and a machine that records what it
// is told to show. A guest is played by load and store.

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "kernel_shim/machine/machine.h"

namespace halfcell::mem {
class AddressSpace;
}

namespace halfcell::test {

// Pool slices on the heap. Slices of up to 64 MiB are directly reachable, larger ones are sparse and are not.
class FakePool final : public machine::Pool {
  public:
    explicit FakePool(std::uint64_t limit = UINT64_MAX) : limit_(limit) {}

    Result<machine::MemoryRef> allocate(std::uint64_t size) override;
    Result<machine::ChargeRef> reserve(std::uint64_t size) override;
    [[nodiscard]] std::uint64_t used() const override { return used_->load(); }
    [[nodiscard]] std::uint64_t limit() const override { return limit_; }
    void set_limit(std::uint64_t limit) { limit_ = limit; }
    // From now on no slice is directly reachable: the supervisor's window is full.
    void fill_window() { window_full_ = true; }

    // Like allocate, but without direct access, as a host file has it.
    Result<machine::MemoryRef> allocate_indirect(std::uint64_t size);

  private:
    Result<void> check_limit(std::uint64_t size) const;

    std::uint64_t limit_;
    bool window_full_ = false;
    // Outlives the pool where slices do.
    std::shared_ptr<std::atomic<std::uint64_t>> used_ = std::make_shared<std::atomic<std::uint64_t>>(0);
};

// Records what is mapped where, and keeps the pages a guest has stored into through private mappings.
// Anything the contract of Machine forbids ends up in `violations`.
class FakeMachine final : public machine::Machine {
  public:
    explicit FakeMachine(std::shared_ptr<std::atomic<int>> alive) : alive_(std::move(alive)) { ++*alive_; }
    ~FakeMachine() override { --*alive_; }

    Result<void> map(machine::PageRange range, const machine::MemoryObject& object, std::uint64_t offset,
                     machine::Protection protection, machine::Populate populate) override;
    Result<void> unmap(machine::PageRange range) override;
    Result<void> protect(machine::PageRange range, machine::Protection protection) override;
    machine::Progress map_all(std::span<const machine::Mapping> mappings) override;
    Result<void> read(std::uint64_t address, std::span<std::byte> to) const override;
    Result<void> write(std::uint64_t address, std::span<const std::byte> from) override;
    Result<std::unique_ptr<machine::Machine>> fork() override;
    Result<std::unique_ptr<machine::GuestThread>> start_thread(
        const machine::ThreadRegisters& registers) override;
    void on_death(std::function<void()> callback) override;
    void kill() override;

    // What the guest meets at an address: success, or EFAULT for a page fault.
    Result<void> load(std::uint64_t address, std::span<std::byte> to) const;
    Result<void> store(std::uint64_t address, std::span<const std::byte> from);
    [[nodiscard]] bool mapped(std::uint64_t address) const;
    [[nodiscard]] bool writable(std::uint64_t address) const;
    [[nodiscard]] bool executable(std::uint64_t address) const;

    // Empty when the machine shows exactly the grants of `space`, else the first difference.
    [[nodiscard]] std::string difference(const mem::AddressSpace& space) const;

    // Lets the operation after the next `successes` ones fail once. A map that fails has removed what was
    // there, as Linux may.
    void fail_after(int successes, Errno error);

    struct Operations {
        int maps = 0;
        int unmaps = 0;
        int protects = 0;
        int batches = 0;
        int forks = 0;
    };
    Operations operations;
    std::vector<std::string> violations;
    machine::Populate last_populate = machine::Populate::kOnTouch;
    bool killed = false;
    // Makes the threads; without it start_thread fails with EAGAIN.
    std::function<Result<std::unique_ptr<machine::GuestThread>>(const machine::ThreadRegisters&)> threads;

  private:
    struct Shown {
        machine::PageRange range;
        const machine::MemoryObject* object;
        std::uint64_t offset;
        machine::Protection protection;
        machine::Sharing sharing = machine::Sharing::kShared;
        friend bool operator==(const Shown&, const Shown&) = default;
    };
    using Page = std::array<std::byte, machine::kPageSize>;
    Result<void> begin();
    // One step of map, unmap or map_all.
    Result<void> change(const machine::Mapping& mapping);
    // The page the process has for itself, made on a first store.
    Page& own_page(const Shown& shown, std::uint64_t address);
    void require(bool condition, const char* what);
    void carve(machine::PageRange range);
    [[nodiscard]] const Shown* find(std::uint64_t address) const;
    static void append(std::vector<Shown>& list, Shown shown);

    std::shared_ptr<std::atomic<int>> alive_;
    std::map<std::uint64_t, Shown> shown_;
    std::map<std::uint64_t, Page> own_;  // by address
    std::function<void()> death_callback_;
    std::optional<int> successes_left_;
    Errno error_ = Errno::kENOMEM;
};

class FakeMachineFactory final : public machine::MachineFactory {
  public:
    Result<std::unique_ptr<machine::Machine>> create() override;
    [[nodiscard]] std::uint64_t lowest_mappable() const override { return lowest; }

    std::uint64_t lowest = machine::kPageSize;
    // The machine made last; valid as long as its address space.
    FakeMachine* last = nullptr;
    int created = 0;
    std::shared_ptr<std::atomic<int>> alive = std::make_shared<std::atomic<int>>(0);
    // Fails the next create.
    std::optional<Errno> fail_next;
    // Called for every new machine before it is handed out.
    std::function<void(FakeMachine&)> prepare;

  private:
    std::mutex mutex_;  // several threads may create at once
};

}  // namespace halfcell::test
