#pragma once

// The stack and the strings a program finds at its entry. Source: relibc:redox-rt/src/proc.rs fexec_impl;
// the layout is that of the userland contract: words on the stack, strings in one mapping of their own.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kernel_shim/mem/address_space.h"

namespace halfcell::boot {

struct InitialStackContent {
    std::vector<std::string> arguments;
    std::vector<std::string> environment;                            // NAME=VALUE
    std::string working_directory;                                   // absolute, canonical
    std::vector<std::pair<std::uint64_t, std::uint64_t>> auxiliary;  // without the cwd pair and AT_NULL
};

// Where relibc expects the main thread's stack. Its last page exists in the books only, so the words begin
// below it; none of them points into the stack. Source: relibc:redox-rt/src/arch/x86_64.rs.
inline constexpr std::uint64_t kStackSize = 1024 * 1024;

// Maps stack and strings and returns the stack pointer (16-byte aligned, at argc). E2BIG when the words do
// not fit a quarter of the stack; ENOMEM; EEXIST when the program occupies the stack's place.
Result<std::uint64_t> build_initial_stack(mem::AddressSpace& space, const InitialStackContent& content);

}  // namespace halfcell::boot
