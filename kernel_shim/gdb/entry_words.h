#pragma once

// The words a program found on its stack when it began: arguments, environment and auxiliary vector. Redox's
// kernel keeps none of them; they are read where whoever started the program has put them.
// Source: relibc:redox-rt/src/proc.rs fexec_impl.

#include <string>
#include <vector>

#include "kernel_shim/mem/address_space.h"

namespace halfcell::gdb {

struct EntryWords {
    std::vector<std::string> arguments;
    std::vector<std::string> environment;
    std::string auxiliary;  // pairs of words up to AT_NULL, which is the last
};

// The words at `stack_pointer`. ENOENT where what lies there is no such list (any more).
Result<EntryWords> read_entry_words(const mem::AddressSpace& space, std::uint64_t stack_pointer);

}  // namespace halfcell::gdb
