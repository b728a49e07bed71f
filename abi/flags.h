#pragma once

// Every flag set, enum and constant of redox_syscall 0.7.4 for x86_64. The rows, with Rust's own names, are
// in flag_sets.def, enums.def and constants.def; names.h turns the same rows into printable tables.
//
// A flag set is a struct of constants of Rust's width (`MapFlags::kProtRead`), so that sets stay plain
// integers as they are on the wire; `Set::Bits` is that width. An enum is an `enum class` (`Opcode::kRead`);
// a number from a guest becomes one through try_from_raw only, because it may be none of them.

#include <cstdint>

namespace halfcell::abi {

#define HALFCELL_FLAG_SET_BEGIN(set, width) \
    struct set {                            \
        using Bits = width;
#define HALFCELL_FLAG(set, rust_name, name, value) static constexpr Bits name = value;
#define HALFCELL_FLAG_SET_END(set) \
    }                              \
    ;
#include "abi/flag_sets.def"

#define HALFCELL_GROUP_BEGIN(group, width) \
    struct group {                         \
        using Bits = width;
#define HALFCELL_CONSTANT(group, rust_name, name, value) static constexpr Bits name = value;
#define HALFCELL_GROUP_END(group) \
    }                             \
    ;
#include "abi/constants.def"

#define HALFCELL_ENUM_BEGIN(type, width) enum class type : width {
#define HALFCELL_ENUM_VALUE(type, variant, value) k##variant = value,
#define HALFCELL_ENUM_END(type) \
    }                           \
    ;
#include "abi/enums.def"

inline constexpr std::uint64_t kPageSize = Limits::kPageSize;
// What the kernel hands to its first program at the end of the address space.
inline constexpr std::uint64_t kKernelMetadataSize = Limits::kKernelMetadataSize;
// Set in the numbers of the upper file table.
inline constexpr std::uint64_t kUpperFdtblTag = Limits::kUpperFdtblTag;

// `raw` as an enumerator of the type of `out`: true and stored, or false (and `out` untouched) where the ABI
// has no such value. Never blocks. Source: syscall:src/flag.rs and others, try_from_raw.
#define HALFCELL_ENUM_BEGIN(type, width)                        \
    constexpr bool try_from_raw(std::uint64_t raw, type& out) { \
        using Raw = width;                                      \
        if (raw != static_cast<Raw>(raw)) return false;         \
        switch (static_cast<type>(raw)) {
#define HALFCELL_ENUM_VALUE(type, variant, value) case type::k##variant:
#define HALFCELL_ENUM_END(type)   \
    out = static_cast<type>(raw); \
    return true;                  \
    }                             \
    return false;                 \
    }
#include "abi/enums.def"

// The name under which a kernel scheme stands in the root namespace. Source: syscall:src/data.rs as_str.
constexpr const char* scheme_name(GlobalSchemes scheme) {
    switch (scheme) {
#define HALFCELL_SCHEME_NAME(variant, name) \
    case GlobalSchemes::k##variant:         \
        return name;
#include "abi/scheme_names.def"
    }
    return nullptr;
}

}  // namespace halfcell::abi
