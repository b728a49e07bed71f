#pragma once

// The one page that Redox lets programs have and Linux does not: the last one below kUserEnd.

#include <cstdint>

#include "kernel_shim/mem/address_space.h"

namespace halfcell::mem {

// Where a program that is about to begin at `stack_pointer` in `space` finds its stack: moved down by a page
// where it was built up to kUserEnd, so that none of it lies in the last page, which then holds zeros. The
// words above the pointer (arguments, environment, auxiliary vector) refer to nothing on the stack, so they
// can be moved; only a program's first stack is built there. `stack_pointer` itself where the last page is
// not part of the stack or holds nothing. ENOMEM. Does not block.
// Source: relibc:redox-rt/src/proc.rs fexec_impl, spec/userland-contract 1.2.
Result<std::uint64_t> stack_below_host_end(AddressSpace& space, std::uint64_t stack_pointer);

}  // namespace halfcell::mem
