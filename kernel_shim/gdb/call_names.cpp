#include "kernel_shim/gdb/call_names.h"

#include "kernel_shim/syscall/call_table.h"

namespace halfcell::gdb {

std::string call_names_xml() {
    std::string xml =
        "<?xml version=\"1.0\"?>\n<!DOCTYPE syscalls_info SYSTEM \"gdb-syscalls.dtd\">\n<syscalls_info>\n";
    for (const syscall::CallRow& row : syscall::call_rows()) {
        xml.append("  <syscall name=\"").append(row.name).append("\" number=\"");
        xml.append(std::to_string(row.number)).append("\" groups=\"");
        xml.append(syscall::name_of(row.topic)).append("\"/>\n");
    }
    return xml + "</syscalls_info>\n";
}

}  // namespace halfcell::gdb
