#pragma once

// All tables of abi/ as lists that can be walked: the .def rows, collected. Everything the abi command prints
// or compares starts here.

#include <cstdint>
#include <string>
#include <vector>

#include "abi/names.h"

namespace halfcell::abi_report {

// The release of redox_syscall that the tables describe.
inline constexpr const char* kEpoch = "0.7.4";

// Where Rust has the names of a table.
enum class TableKind : unsigned char {
    kPlain,    // at crate level: SYS_READ
    kFlagSet,  // constants of a bitflags type: MapFlags::PROT_READ
    kEnum,     // variants: Opcode::Read
};

struct Table {
    std::string name;
    TableKind kind;
    unsigned width;  // bytes of one value
    std::vector<abi::NamedValue> rows;
};

struct Field {
    std::string name;
    std::uint64_t offset;
    std::uint64_t size;
};

struct Type {
    std::string name;
    std::uint64_t size;
    std::uint64_t align;
    std::vector<Field> fields;  // by offset
};

// What redox_syscall has: numbers, errors, constants, flag sets, enums.
[[nodiscard]] std::vector<Table> upstream_tables();
// Every type of redox_syscall with a defined layout: the structs, then flag sets and enums, which have no
// fields.
[[nodiscard]] std::vector<Type> upstream_types();

// What the crate has not: signals, the process manager's and the namespace manager's protocols, the auxiliary
// vector.
[[nodiscard]] std::vector<Table> protocol_tables();
[[nodiscard]] std::vector<Type> protocol_types();

// Rust's full name of a row: "SYS_READ", "MapFlags::PROT_READ".
[[nodiscard]] std::string full_name(const Table& table, const abi::NamedValue& row);

}  // namespace halfcell::abi_report
