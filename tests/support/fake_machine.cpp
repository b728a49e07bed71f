#include "tests/support/fake_machine.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "kernel_shim/mem/address_space.h"

namespace halfcell::test {

using machine::PageRange;

namespace {

constexpr std::uint64_t kLargestDirect = std::uint64_t{64} << 20;
using Page = std::array<std::byte, machine::kPageSize>;

// Gives its size back to the pool when it goes.
class FakeMemory : public machine::MemoryObject {
  public:
    FakeMemory(std::shared_ptr<std::atomic<std::uint64_t>> used, std::uint64_t size)
        : used_(std::move(used)), size_(size) {
        *used_ += size_;
    }
    ~FakeMemory() override { *used_ -= size_ - discarded_; }
    [[nodiscard]] std::uint64_t size() const override { return size_; }
    [[nodiscard]] machine::Backing backing() const override { return {}; }
    void discard(machine::Extent part) override {
        *used_ -= part.size;
        discarded_ += part.size;
    }

  private:
    std::shared_ptr<std::atomic<std::uint64_t>> used_;
    std::uint64_t size_;
    std::atomic<std::uint64_t> discarded_{0};
};

class HeapMemory final : public FakeMemory {
  public:
    HeapMemory(std::shared_ptr<std::atomic<std::uint64_t>> used, std::uint64_t size)
        : FakeMemory(std::move(used), size),
          bytes_(new (std::align_val_t{machine::kPageSize}) std::byte[size]()) {}
    [[nodiscard]] std::byte* direct() const override { return bytes_.get(); }
    Result<void> read(std::uint64_t offset, std::span<std::byte> to) const override {
        std::memcpy(to.data(), bytes_.get() + offset, to.size());
        return {};
    }
    Result<void> write(std::uint64_t offset, std::span<const std::byte> from) override {
        std::memcpy(bytes_.get() + offset, from.data(), from.size());
        return {};
    }

    // Spoils the bytes, so that a test sees when they are looked at after all.
    void discard(machine::Extent part) override {
        FakeMemory::discard(part);
        std::memset(bytes_.get() + part.offset, 0xdd, part.size);
    }

  private:
    // Aligned as guests' pages are: structures in them are reached through pointers.
    struct Free {
        void operator()(std::byte* bytes) const {
            ::operator delete[](bytes, std::align_val_t{machine::kPageSize});
        }
    };
    std::unique_ptr<std::byte[], Free> bytes_;
};

class SparseMemory final : public FakeMemory {
  public:
    using FakeMemory::FakeMemory;
    [[nodiscard]] std::byte* direct() const override { return nullptr; }
    Result<void> read(std::uint64_t offset, std::span<std::byte> to) const override {
        for (std::size_t i = 0; i < to.size(); ++i) {
            const auto page = pages_.find(machine::page_round_down(offset + i));
            to[i] = page == pages_.end() ? std::byte{} : page->second[(offset + i) % machine::kPageSize];
        }
        return {};
    }
    [[nodiscard]] machine::Extent next_data(std::uint64_t offset) const override {
        const auto page = pages_.lower_bound(machine::page_round_down(offset));
        if (page == pages_.end()) return {size(), 0};
        return {std::max(page->first, offset),
                machine::kPageSize - std::max(page->first, offset) % machine::kPageSize};
    }
    Result<void> write(std::uint64_t offset, std::span<const std::byte> from) override {
        for (std::size_t i = 0; i < from.size(); ++i)
            pages_[machine::page_round_down(offset + i)][(offset + i) % machine::kPageSize] = from[i];
        return {};
    }

  private:
    std::map<std::uint64_t, Page> pages_;
};

class FakeCharge final : public machine::Charge {
  public:
    FakeCharge(std::shared_ptr<std::atomic<std::uint64_t>> used, std::uint64_t size)
        : used_(std::move(used)), size_(size) {
        *used_ += size_;
    }
    ~FakeCharge() override { *used_ -= size_; }
    void release(std::uint64_t size) override {
        *used_ -= size;
        size_ -= size;
    }

  private:
    std::shared_ptr<std::atomic<std::uint64_t>> used_;
    std::atomic<std::uint64_t> size_;
};

}  // namespace

Result<void> FakePool::check_limit(std::uint64_t size) const {
    if (size > limit_ || *used_ > limit_ - size) return fail(Errno::kENOMEM);
    return {};
}

Result<machine::MemoryRef> FakePool::allocate(std::uint64_t size) {
    TRY(check_limit(size));
    if (size > kLargestDirect || window_full_) return std::make_shared<SparseMemory>(used_, size);
    return std::make_shared<HeapMemory>(used_, size);
}

Result<machine::MemoryRef> FakePool::allocate_indirect(std::uint64_t size) {
    TRY(check_limit(size));
    return std::make_shared<SparseMemory>(used_, size);
}

Result<machine::ChargeRef> FakePool::reserve(std::uint64_t size) {
    TRY(check_limit(size));
    return std::make_shared<FakeCharge>(used_, size);
}

Result<void> FakeMachine::map(PageRange range, const machine::MemoryObject& object, std::uint64_t offset,
                              machine::Protection protection, machine::Populate populate) {
    ++operations.maps;
    return change({range, &object, offset, protection, populate});
}

Result<void> FakeMachine::unmap(PageRange range) {
    ++operations.unmaps;
    return change({.range = range});
}

machine::Progress FakeMachine::map_all(std::span<const machine::Mapping> mappings) {
    ++operations.batches;
    machine::Progress progress;
    for (const machine::Mapping& mapping : mappings) {
        if (const auto changed = change(mapping); !changed) {
            progress.error = changed.error();
            return progress;
        }
        ++progress.done;
    }
    return progress;
}

Result<void> FakeMachine::change(const machine::Mapping& mapping) {
    const PageRange range = mapping.range;
    require(!range.empty() && machine::page_aligned(range.base) && machine::page_aligned(range.size),
            "map: not whole pages");
    require(range.end() <= machine::kHostUserEnd, "map: a page Linux does not have");
    require(!range.overlaps(machine::kReservedRange), "map: over the stub");
    if (mapping.object)
        require(machine::page_aligned(mapping.offset) && mapping.offset <= mapping.object->size() &&
                    range.size <= mapping.object->size() - mapping.offset,
                "map: outside the object");
    const Result<void> begun = begin();
    // A mapping that fails may have removed what was there, an unmapping has not.
    if (!begun && (begun.error() == Errno::kESRCH || !mapping.object)) return begun;
    carve(range);
    own_.erase(own_.lower_bound(range.base), own_.lower_bound(range.end()));
    if (!begun || !mapping.object) return begun;
    last_populate = mapping.populate;
    shown_[range.base] = {range, mapping.object, mapping.offset, mapping.protection, mapping.sharing};
    return {};
}

Result<void> FakeMachine::protect(PageRange range, machine::Protection protection) {
    ++operations.protects;
    TRY(begin());
    std::uint64_t at = range.base;
    std::vector<Shown> changed;
    while (at < range.end()) {
        const Shown* const shown = find(at);
        require(shown, "protect: a hole");
        if (!shown) return fail(Errno::kENOMEM);
        const PageRange part = shown->range.intersection(range);
        changed.push_back({part, shown->object, shown->offset + (part.base - shown->range.base), protection,
                           shown->sharing});
        at = part.end();
    }
    carve(range);
    for (const Shown& shown : changed)
        shown_[shown.range.base] = shown;
    return {};
}

Result<std::unique_ptr<machine::GuestThread>> FakeMachine::start_thread(
    const machine::ThreadRegisters& registers) {
    if (killed) return fail(Errno::kESRCH);
    if (!threads) return fail(Errno::kEAGAIN);
    return threads(registers);
}

void FakeMachine::on_death(std::function<void()> callback) {
    if (killed)
        callback();
    else
        death_callback_ = std::move(callback);
}

void FakeMachine::kill() {
    if (killed) return;
    killed = true;
    shown_.clear();
    if (death_callback_) death_callback_();
}

Result<void> FakeMachine::load(std::uint64_t address, std::span<std::byte> to) const {
    for (std::size_t i = 0; i < to.size(); ++i) {
        const std::uint64_t at = address + i;
        const Shown* const shown = find(at);
        if (!shown) return fail(Errno::kEFAULT);
        if (const auto own = own_.find(machine::page_round_down(at)); own != own_.end())
            to[i] = own->second[at % machine::kPageSize];
        else
            TRY(shown->object->read(shown->offset + (at - shown->range.base), to.subspan(i, 1)));
    }
    return {};
}

Result<void> FakeMachine::store(std::uint64_t address, std::span<const std::byte> from) {
    for (std::size_t i = 0; i < from.size(); ++i) {
        const std::uint64_t at = address + i;
        const Shown* const shown = find(at);
        if (!shown || !shown->protection.write) return fail(Errno::kEFAULT);
        if (shown->sharing == machine::Sharing::kPrivate) {
            own_page(*shown, at)[at % machine::kPageSize] = from[i];
            continue;
        }
        // The machine is given objects to read only; the guest stores into them all the same.
        auto* const object = const_cast<machine::MemoryObject*>(shown->object);
        TRY(object->write(shown->offset + (at - shown->range.base), from.subspan(i, 1)));
    }
    return {};
}

FakeMachine::Page& FakeMachine::own_page(const Shown& shown, std::uint64_t address) {
    const std::uint64_t base = machine::page_round_down(address);
    const auto [page, fresh] = own_.try_emplace(base);
    if (fresh) {
        // Linux makes the page below present first, and then copies it.
        const std::uint64_t offset = shown.offset + (base - shown.range.base);
        (void)shown.object->read(offset, page->second);
        (void)const_cast<machine::MemoryObject*>(shown.object)->write(offset, page->second);
    }
    return page->second;
}

Result<void> FakeMachine::read(std::uint64_t address, std::span<std::byte> to) const {
    if (killed) return fail(Errno::kESRCH);
    return load(address, to);
}

Result<void> FakeMachine::write(std::uint64_t address, std::span<const std::byte> from) {
    if (killed) return fail(Errno::kESRCH);
    return store(address, from);
}

Result<std::unique_ptr<machine::Machine>> FakeMachine::fork() {
    ++operations.forks;
    TRY(begin());
    auto child = std::make_unique<FakeMachine>(alive_);
    child->shown_ = shown_;
    child->own_ = own_;
    child->threads = threads;
    return child;
}

bool FakeMachine::mapped(std::uint64_t address) const {
    return find(address) != nullptr;
}
bool FakeMachine::writable(std::uint64_t address) const {
    const Shown* const shown = find(address);
    return shown && shown->protection.write;
}
bool FakeMachine::executable(std::uint64_t address) const {
    const Shown* const shown = find(address);
    return shown && shown->protection.execute;
}

std::string FakeMachine::difference(const mem::AddressSpace& space) const {
    if (!violations.empty()) return violations.front();
    std::vector<Shown> expected;
    std::vector<Shown> actual;
    for (const mem::Grant& grant : space.grants()) {
        const PageRange range = grant.range.intersection({0, machine::kHostUserEnd});
        if (!range.empty())
            append(expected, {range, grant.object.get(), grant.object_offset, grant.protection,
                              grant.copy_on_write ? machine::Sharing::kPrivate : machine::Sharing::kShared});
    }
    for (const auto& [base, shown] : shown_)
        append(actual, shown);
    for (std::size_t i = 0; i < std::max(expected.size(), actual.size()); ++i) {
        if (i < expected.size() && i < actual.size() && expected[i] == actual[i]) continue;
        const auto name = [&](const std::vector<Shown>& list) {
            if (i >= list.size()) return std::string("nothing");
            return std::to_string(list[i].range.base) + "+" + std::to_string(list[i].range.size) +
                   " at offset " + std::to_string(list[i].offset) +
                   (list[i].protection.write ? " writable" : "") +
                   (list[i].protection.execute ? " executable" : "");
        };
        return "grants have " + name(expected) + ", the machine shows " + name(actual);
    }
    return {};
}

void FakeMachine::fail_after(int successes, Errno error) {
    successes_left_ = successes;
    error_ = error;
}

Result<void> FakeMachine::begin() {
    if (killed) return fail(Errno::kESRCH);
    if (successes_left_ && (*successes_left_)-- == 0) {
        successes_left_.reset();
        return fail(error_);
    }
    return {};
}

void FakeMachine::require(bool condition, const char* what) {
    if (!condition) violations.emplace_back(what);
}

void FakeMachine::carve(PageRange range) {
    while (true) {
        auto next = shown_.upper_bound(range.base);
        if (next != shown_.begin() && std::prev(next)->second.range.overlaps(range)) --next;
        if (next == shown_.end() || !next->second.range.overlaps(range)) return;
        const Shown old = next->second;
        shown_.erase(next);
        if (old.range.base < range.base)
            shown_[old.range.base] = {{old.range.base, range.base - old.range.base},
                                      old.object,
                                      old.offset,
                                      old.protection,
                                      old.sharing};
        if (old.range.end() > range.end())
            shown_[range.end()] = {{range.end(), old.range.end() - range.end()},
                                   old.object,
                                   old.offset + (range.end() - old.range.base),
                                   old.protection,
                                   old.sharing};
    }
}

const FakeMachine::Shown* FakeMachine::find(std::uint64_t address) const {
    const auto next = shown_.upper_bound(address);
    if (next == shown_.begin()) return nullptr;
    const Shown& shown = std::prev(next)->second;
    return shown.range.contains(address) ? &shown : nullptr;
}

// Neighbours that show one stretch of one object count as one.
void FakeMachine::append(std::vector<Shown>& list, Shown shown) {
    if (!list.empty()) {
        Shown& last = list.back();
        if (last.range.end() == shown.range.base && last.object == shown.object &&
            last.offset + last.range.size == shown.offset && last.protection == shown.protection &&
            last.sharing == shown.sharing) {
            last.range.size += shown.range.size;
            return;
        }
    }
    list.push_back(shown);
}

Result<std::unique_ptr<machine::Machine>> FakeMachineFactory::create() {
    const std::lock_guard lock(mutex_);
    if (fail_next) {
        const Errno error = *fail_next;
        fail_next.reset();
        return fail(error);
    }
    auto machine = std::make_unique<FakeMachine>(alive);
    last = machine.get();
    ++created;
    if (prepare) prepare(*machine);
    return machine;
}

}  // namespace halfcell::test
