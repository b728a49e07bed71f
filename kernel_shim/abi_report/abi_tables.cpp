#include "kernel_shim/abi_report/abi_tables.h"

#include <cstddef>

#include "abi/data.h"
#include "abi/dirent.h"
#include "abi/error.h"
#include "abi/ptrace.h"
#include "abi/regs.h"
#include "abi/scheme_msg.h"

namespace halfcell::abi_report {
namespace {

Table table_of(const char* name, TableKind kind, std::size_t width, abi::NameList rows) {
    return {name, kind, static_cast<unsigned>(width), {rows.begin(), rows.end()}};
}

std::vector<abi::NamedValue> error_rows() {
    return {
#define HALFCELL_ERRNO(name, value, text) {#name, value},
#include "abi/error.def"
#undef HALFCELL_ERRNO
    };
}

// Flag sets and enums are types too: their width is part of the ABI.
void append_scalar_types(const std::vector<Table>& tables, std::vector<Type>& types) {
    for (const Table& table : tables)
        if (table.kind != TableKind::kPlain) types.push_back({table.name, table.width, table.width, {}});
}

}  // namespace

std::vector<Table> upstream_tables() {
    std::vector<Table> tables;
    tables.push_back(table_of("Call numbers", TableKind::kPlain, 8, abi::number_rows()));
    tables.push_back({"Errors", TableKind::kPlain, 4, error_rows()});
#define HALFCELL_GROUP_BEGIN(group, width) \
    tables.push_back(table_of(#group, TableKind::kPlain, sizeof(width), abi::names_of<abi::group>()));
#include "abi/constants.def"
#define HALFCELL_FLAG_SET_BEGIN(set, width) \
    tables.push_back(table_of(#set, TableKind::kFlagSet, sizeof(width), abi::names_of<abi::set>()));
#include "abi/flag_sets.def"
#define HALFCELL_ENUM_BEGIN(type, width) \
    tables.push_back(table_of(#type, TableKind::kEnum, sizeof(width), abi::names_of<abi::type>()));
#include "abi/enums.def"
    return tables;
}

std::vector<Type> upstream_types() {
    std::vector<Type> types;
#define HALFCELL_LAYOUT_BEGIN(type, size, align) \
    types.push_back({#type, sizeof(abi::type), alignof(abi::type), {}});
#define HALFCELL_FIELD(type, field, offset, size) \
    types.back().fields.push_back({#field, offsetof(abi::type, field), sizeof(abi::type::field)});
#define HALFCELL_FIELD_AS(type, rust_name, field, offset, size) \
    types.back().fields.push_back({#rust_name, offsetof(abi::type, field), sizeof(abi::type::field)});
#include "abi/layout.def"
    append_scalar_types(upstream_tables(), types);
    return types;
}

std::vector<Table> protocol_tables() {
    std::vector<Table> tables;
#define HALFCELL_GROUP_BEGIN(group, width) \
    tables.push_back(table_of(#group, TableKind::kFlagSet, sizeof(width), abi::names_of<abi::group>()));
#include "abi/signal.def"
#define HALFCELL_GROUP_BEGIN(group, width) \
    tables.push_back(table_of(#group, TableKind::kFlagSet, sizeof(width), abi::names_of<abi::group>()));
#include "abi/auxv.def"
#define HALFCELL_ENUM_BEGIN(type, width) \
    tables.push_back(table_of(#type, TableKind::kEnum, sizeof(width), abi::names_of<abi::type>()));
#define HALFCELL_GROUP_BEGIN(group, width) \
    tables.push_back(table_of(#group, TableKind::kFlagSet, sizeof(width), abi::names_of<abi::group>()));
#include "abi/proc_call.def"
#define HALFCELL_ENUM_BEGIN(type, width) \
    tables.push_back(table_of(#type, TableKind::kEnum, sizeof(width), abi::names_of<abi::type>()));
#define HALFCELL_GROUP_BEGIN(group, width) \
    tables.push_back(table_of(#group, TableKind::kFlagSet, sizeof(width), abi::names_of<abi::group>()));
#include "abi/namespace_call.def"
    return tables;
}

std::vector<Type> protocol_types() {
    std::vector<Type> types;
#define HALFCELL_LAYOUT_BEGIN(type, size, align) \
    types.push_back({#type, sizeof(abi::type), alignof(abi::type), {}});
#define HALFCELL_FIELD(type, field, offset, size) \
    types.back().fields.push_back({#field, offsetof(abi::type, field), sizeof(abi::type::field)});
#include "abi/protocol_layout.def"
    return types;
}

std::string full_name(const Table& table, const abi::NamedValue& row) {
    return table.kind == TableKind::kPlain ? row.name : table.name + "::" + row.name;
}

}  // namespace halfcell::abi_report
