#pragma once

// A call in progress as sys:syscall shows it. Source: kernel:src/syscall/debug.rs format_call.

#include <array>
#include <cstdint>
#include <string>

#include "kernel_shim/mem/address_space.h"

namespace halfcell::schemes::sys {

// The text for a call number and its arguments. Pointers are followed in `reader`, the space of whoever reads
// the report, as upstream does: what they point to there may be something else, or nothing ("Err(Bad
// address)"). Takes the space's lock.
std::string format_call(mem::AddressSpace& reader, std::uint64_t number,
                        const std::array<std::uint64_t, 6>& args);

}  // namespace halfcell::schemes::sys
