#pragma once

// Names of everything that has a number, from the same rows that define the numbers: what a trace and the abi
// report print. All tables are constant data; a program that asks for one name links only the table it is in.

#include <cstddef>
#include <cstdint>

#include "abi/auxv.h"
#include "abi/flags.h"
#include "abi/namespace_call.h"
#include "abi/number.h"
#include "abi/proc_call.h"
#include "abi/sigabi.h"

namespace halfcell::abi {

struct NamedValue {
    const char* name;  // Rust's own
    std::uint64_t value;
};

// A table of names; usable in a range-for.
struct NameList {
    const NamedValue* rows;
    std::size_t count;

    [[nodiscard]] constexpr const NamedValue* begin() const { return rows; }
    [[nodiscard]] constexpr const NamedValue* end() const { return rows + count; }

    // The first name with exactly this value, or nullptr.
    [[nodiscard]] constexpr const char* name_of(std::uint64_t value) const {
        for (const NamedValue& row : *this)
            if (row.value == value) return row.name;
        return nullptr;
    }
};

namespace detail {

// The rows of a type's table: kNameRows<MapFlags>.
template <typename Type>
struct NameRows;

#define HALFCELL_FLAG_SET_BEGIN(set, width) \
    template <>                             \
    struct NameRows<set> {                  \
        static constexpr NamedValue kRows[] = {
#define HALFCELL_FLAG(set, rust_name, name, value) {#rust_name, value},
#define HALFCELL_FLAG_SET_END(set) \
    }                              \
    ;                              \
    }                              \
    ;
#include "abi/flag_sets.def"

#define HALFCELL_NAME_GROUP_BEGIN(group) \
    template <>                          \
    struct NameRows<group> {             \
        static constexpr NamedValue kRows[] = {
#define HALFCELL_NAME_GROUP_END \
    }                           \
    ;                           \
    }                           \
    ;

#define HALFCELL_GROUP_BEGIN(group, width) HALFCELL_NAME_GROUP_BEGIN(group)
#define HALFCELL_CONSTANT(group, rust_name, name, value) {#rust_name, value},
#define HALFCELL_GROUP_END(group) HALFCELL_NAME_GROUP_END
#include "abi/constants.def"

#define HALFCELL_GROUP_BEGIN(group, width) HALFCELL_NAME_GROUP_BEGIN(group)
#define HALFCELL_CONSTANT(group, rust_name, name, value) {#rust_name, value},
#define HALFCELL_GROUP_END(group) HALFCELL_NAME_GROUP_END
#include "abi/signal.def"

#define HALFCELL_GROUP_BEGIN(group, width) HALFCELL_NAME_GROUP_BEGIN(group)
#define HALFCELL_CONSTANT(group, rust_name, name, value) {#rust_name, value},
#define HALFCELL_GROUP_END(group) HALFCELL_NAME_GROUP_END
#include "abi/auxv.def"

#define HALFCELL_ENUM_BEGIN(type, width) HALFCELL_NAME_GROUP_BEGIN(type)
#define HALFCELL_ENUM_VALUE(type, variant, value) {#variant, value},
#define HALFCELL_ENUM_END(type) HALFCELL_NAME_GROUP_END
#include "abi/enums.def"

#define HALFCELL_ENUM_BEGIN(type, width) HALFCELL_NAME_GROUP_BEGIN(type)
#define HALFCELL_ENUM_VALUE(type, variant, value) {#variant, value},
#define HALFCELL_ENUM_END(type) HALFCELL_NAME_GROUP_END
#define HALFCELL_GROUP_BEGIN(group, width) HALFCELL_NAME_GROUP_BEGIN(group)
#define HALFCELL_CONSTANT(group, rust_name, name, value) {#rust_name, value},
#define HALFCELL_GROUP_END(group) HALFCELL_NAME_GROUP_END
#include "abi/proc_call.def"

#define HALFCELL_ENUM_BEGIN(type, width) HALFCELL_NAME_GROUP_BEGIN(type)
#define HALFCELL_ENUM_VALUE(type, variant, value) {#variant, value},
#define HALFCELL_ENUM_END(type) HALFCELL_NAME_GROUP_END
#define HALFCELL_GROUP_BEGIN(group, width) HALFCELL_NAME_GROUP_BEGIN(group)
#define HALFCELL_CONSTANT(group, rust_name, name, value) {#rust_name, value},
#define HALFCELL_GROUP_END(group) HALFCELL_NAME_GROUP_END
#include "abi/namespace_call.def"

#undef HALFCELL_NAME_GROUP_BEGIN
#undef HALFCELL_NAME_GROUP_END

inline constexpr NamedValue kNumberRows[] = {
#define HALFCELL_NUMBER(name, value) {#name, value},
#include "abi/number.def"
};

}  // namespace detail

// The names of a flag set, a constant group or an enum: `names_of<MapFlags>()`, `names_of<OpenFlags>()`,
// `names_of<Opcode>()`. Rows are in the order of the .def file.
template <typename Type>
constexpr NameList names_of() {
    return {detail::NameRows<Type>::kRows, sizeof(detail::NameRows<Type>::kRows) / sizeof(NamedValue)};
}

// All rows of number.def, the masks and classes included.
constexpr NameList number_rows() {
    return {detail::kNumberRows, sizeof(detail::kNumberRows) / sizeof(NamedValue)};
}

// The name of a call ("SYS_READ"), or nullptr for an unknown number. The class masks are no calls.
constexpr const char* syscall_name(std::uint64_t number) {
    constexpr std::size_t kMaskRows = 9;
    const NameList all = number_rows();
    return NameList{all.rows + kMaskRows, all.count - kMaskRows}.name_of(number);
}

// Rust's name of an enumerator ("RespondRegular"), or nullptr where the value is none.
template <typename Enum>
constexpr const char* enum_name(Enum value) {
    return names_of<Enum>().name_of(static_cast<std::uint64_t>(value));
}

// Calls `emit(name)` for the flags that make up `bits`, widest first, so that a flag that contains another
// (MAP_FIXED_NOREPLACE, O_RDWR) is named instead of its parts, and returns the bits no row explains. Names
// that only mask others (O_ACCMODE, PTRACE_STOP_MASK) lose against equal rows that stand before them. Never
// blocks.
template <typename Emit>
constexpr std::uint64_t decode_flags(NameList names, std::uint64_t bits, Emit&& emit) {
    std::uint64_t left = bits;
    while (left != 0) {
        const NamedValue* widest = nullptr;
        for (const NamedValue& row : names) {
            if (row.value == 0 || (row.value & bits) != row.value || (row.value & left) == 0) continue;
            if (widest == nullptr || __builtin_popcountll(row.value) > __builtin_popcountll(widest->value))
                widest = &row;
        }
        if (widest == nullptr) break;
        emit(widest->name);
        left &= ~widest->value;
    }
    return left;
}

}  // namespace halfcell::abi
