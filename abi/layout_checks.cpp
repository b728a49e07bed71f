// Asserts that every struct of abi/ has the size, the alignment and the field offsets that Rust gives it.

#include <type_traits>

#include "abi/auxv.h"
#include "abi/data.h"
#include "abi/dirent.h"
#include "abi/proc_call.h"
#include "abi/ptrace.h"
#include "abi/regs.h"
#include "abi/scheme_msg.h"
#include "abi/sigabi.h"

namespace halfcell::abi {

#define HALFCELL_LAYOUT_BEGIN(type, size, align)                      \
    static_assert(sizeof(type) == size, #type ": size");              \
    static_assert(alignof(type) == align, #type ": alignment");       \
    static_assert(std::is_standard_layout_v<type>, #type ": layout"); \
    static_assert(std::is_trivially_copyable_v<type>, #type ": copying");
#define HALFCELL_FIELD(type, field, offset, size)                                 \
    static_assert(offsetof(type, field) == offset, #type "::" #field ": offset"); \
    static_assert(sizeof(type::field) == size, #type "::" #field ": size");
#define HALFCELL_FIELD_AS(type, rust_name, field, offset, size) HALFCELL_FIELD(type, field, offset, size)
#include "abi/layout.def"

#define HALFCELL_LAYOUT_BEGIN(type, size, align)         \
    static_assert(sizeof(type) == size, #type ": size"); \
    static_assert(alignof(type) == align, #type ": alignment");
#define HALFCELL_FIELD(type, field, offset, size)                                 \
    static_assert(offsetof(type, field) == offset, #type "::" #field ": offset"); \
    static_assert(sizeof(type::field) == size, #type "::" #field ": size");
#include "abi/protocol_layout.def"

static_assert(sizeof(AuxvEntry) == 16, "two words");

}  // namespace halfcell::abi
