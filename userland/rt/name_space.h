#pragma once

// The names of schemes, as this process finds them. Source: base:bootstrap/src/initnsmgr.rs,
// relibc:redox-rt/src/sys.rs.

#include <string_view>

#include "userland/rt/syscall.h"

namespace halfcell::userland {

// Gives a scheme, by a descriptor of its root, a name in the namespace, which keeps the root. EEXIST where
// the name is taken, EACCES without the right to add names, EINVAL for what is no name.
Result<void> register_scheme(std::string_view name, UniqueFd root);

// Takes a name away; descriptors that are open stay. ENODEV where there is none, EACCES.
Result<void> forget_scheme(std::string_view name);

}  // namespace halfcell::userland
