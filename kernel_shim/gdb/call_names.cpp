#include "kernel_shim/gdb/call_names.h"

#include "kernel_shim/syscall/call_table.h"

namespace halfcell::gdb {

namespace {

// Class, argument and result bits above it only say what kind of call it is. Source: syscall:src/number.rs.
constexpr std::uint32_t kNumberBits = 0xfffff;

}  // namespace

std::uint32_t to_gdb_call(std::uint32_t number) {
    return syscall::find_call(number) != nullptr ? number & kNumberBits : number;
}

std::uint32_t from_gdb_call(std::uint32_t number) {
    for (const syscall::CallRow& row : syscall::call_rows())
        if ((row.number & kNumberBits) == number) return row.number;
    return number;
}

std::string call_names_xml() {
    std::string xml =
        "<?xml version=\"1.0\"?>\n<!DOCTYPE syscalls_info SYSTEM \"gdb-syscalls.dtd\">\n<syscalls_info>\n";
    for (const syscall::CallRow& row : syscall::call_rows()) {
        xml.append("  <syscall name=\"").append(row.name).append("\" number=\"");
        xml.append(std::to_string(to_gdb_call(row.number))).append("\" groups=\"");
        xml.append(syscall::name_of(row.topic)).append("\"/>\n");
    }
    return xml + "</syscalls_info>\n";
}

}  // namespace halfcell::gdb
