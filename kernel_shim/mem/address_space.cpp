#include "kernel_shim/mem/address_space.h"

#include "kernel_shim/mem/address_space_state.h"

namespace halfcell::mem {

std::shared_ptr<AddressSpace> AddressSpace::create(machine::Pool& pool, machine::MachineFactory& factory) {
    return std::shared_ptr<AddressSpace>(new AddressSpace(pool, factory));
}

AddressSpace::AddressSpace(machine::Pool& pool, machine::MachineFactory& factory)
    : pool_(pool), factory_(factory), state_(std::make_unique<State>(factory.lowest_mappable())) {}

AddressSpace::~AddressSpace() {
    // The process ends before the owners hear of it: nothing can store to their files any more.
    Departed departed;
    std::unique_ptr<machine::Machine> machine;
    state_->books.with([&](Books& books) {
        machine = std::move(books.machine);
        departed.add(books.regions.remove_all());
    });
}

std::vector<abi::GrantDesc> AddressSpace::describe() const {
    return state_->books.with([](const Books& books) { return books.regions.describe(); });
}

std::vector<Grant> AddressSpace::grants() const {
    return state_->books.with([](const Books& books) {
        std::vector<Grant> list;
        list.reserve(books.regions.size());
        for (const auto& [base, grant] : books.regions)
            list.push_back(grant);
        return list;
    });
}

std::uint64_t AddressSpace::lowest_mappable() const {
    return state_->books.with([](const Books& books) { return books.lowest_mappable; });
}

Result<void> AddressSpace::set_lowest_mappable(std::uint64_t address) {
    if (!machine::page_aligned(address) || address > machine::kUserEnd) return fail(Errno::kEINVAL);
    state_->books.with([&](Books& books) { books.lowest_mappable = address; });
    return {};
}

}  // namespace halfcell::mem
