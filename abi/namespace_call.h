#pragma once

// The namespace manager's protocol: dup of a namespace descriptor with a word that says what to make, then
// its data.
//   ForkNs            repeated [word length][name]; a name that ends in '*' takes every scheme with that
//   prefix ShrinkPermissions one word, the permissions to keep IssueRegister     a scheme name; the handle
//   takes one descriptor (SYS_CALL with FD|WRITE), the scheme's root
// Source: base:bootstrap/src/initnsmgr.rs.

#include <cstddef>
#include <cstdint>

namespace halfcell::abi {

#define HALFCELL_ENUM_BEGIN(type, width) enum class type : width {
#define HALFCELL_ENUM_VALUE(type, variant, value) k##variant = value,
#define HALFCELL_ENUM_END(type) \
    }                           \
    ;
#define HALFCELL_GROUP_BEGIN(group, width) \
    struct group {                         \
        using Bits = width;
#define HALFCELL_CONSTANT(group, rust_name, name, value) static constexpr Bits name = value;
#define HALFCELL_GROUP_END(group) \
    }                             \
    ;
#include "abi/namespace_call.def"

}  // namespace halfcell::abi
