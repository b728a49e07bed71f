#pragma once

// One instruction at a time: the trap flag in the registers of a parked thread, and its traces in what the
// guest can see.

#include <cstdint>

#include "kernel_shim/machine/guest_thread.h"
#include "kernel_shim/mem/address_space.h"

namespace halfcell::task {

// Of one guest thread; used by its worker only, while the thread is parked.
class SingleStep {
  public:
    // Whether the thread runs, or was running before its park, with a trap flag of ours.
    [[nodiscard]] bool armed() const { return armed_; }

    // Has the thread stop again (trap number 1) after its next instruction. EFAULT as GuestThread::registers.
    Result<void> arm(machine::GuestThread& thread, const mem::AddressSpace& space);
    // Takes the flag back after a park. `executed`: the instruction has been executed, and has left the flag
    // where it stored flags (pushf). A flag that the program itself has set stays. EFAULT as above.
    Result<void> disarm(machine::GuestThread& thread, mem::AddressSpace& space, bool executed);
    // The thread has been replaced by one that was never armed.
    void forget() { armed_ = false; }

  private:
    // How the instruction deals with the flag.
    enum class Effect : std::uint8_t { kNone, kStoresFlags, kLoadsFlags };
    static Effect effect_of_instruction(const mem::AddressSpace& space, std::uint64_t address);

    bool armed_ = false;
    bool flag_of_guest_ = false;
    Effect effect_ = Effect::kNone;
};

}  // namespace halfcell::task
