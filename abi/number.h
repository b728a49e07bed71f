#pragma once

// Call numbers as they arrive in rax: abi::SYS_READ and so on. Rust's names are kept, since Linux has no
// macros of these names. The rows are in number.def.

#include <cstdint>

namespace halfcell::abi {

#define HALFCELL_NUMBER(name, value) inline constexpr std::uint64_t name = value;
#include "abi/number.def"

}  // namespace halfcell::abi
