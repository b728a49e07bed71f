// The Linux side of an address space, made when it is first needed.

#include "kernel_shim/mem/address_space.h"
#include "kernel_shim/mem/address_space_state.h"

namespace halfcell::mem {

Result<machine::Machine*> AddressSpace::machine() {
    if (machine::Machine* const existing = existing_machine()) return existing;
    // Spawned outside the lock, so that nobody waits for it. Who loses a race ends the spare one afterwards.
    std::unique_ptr<machine::Machine> fresh = TRY(factory_.create());
    return state_->books.with([&](Books& books) -> Result<machine::Machine*> {
        if (!books.machine) {
            TRY(books.replay(*fresh));
            books.machine = std::move(fresh);
            state_->machine.store(books.machine.get(), std::memory_order_release);
        }
        return books.machine.get();
    });
}

machine::Machine* AddressSpace::existing_machine() const {
    return state_->machine.load(std::memory_order_acquire);
}

}  // namespace halfcell::mem
