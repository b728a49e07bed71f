#pragma once

// The private part of AddressSpace, shared by the files that implement it.

#include <atomic>
#include <utility>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/mem/address_space.h"
#include "kernel_shim/mem/books.h"

namespace halfcell::mem {

struct AddressSpace::State {
    explicit State(std::uint64_t host_lowest) : books(std::in_place, host_lowest) {}

    Guarded<Books, LockLevel::kAddressSpace> books;
    // The machine of the books, once it shows every grant; never changes after that.
    std::atomic<machine::Machine*> machine{nullptr};
};

}  // namespace halfcell::mem
