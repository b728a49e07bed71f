#pragma once

// Names and numbers of Redox's calls in the form of gdb's syscalls/*.xml, from the table of calls: what
// `catch syscall openat` and `catch syscall group:path` look up. Groups are the table's topics.
//
// gdb has no packet for it: it reads the file that its OS ABI names from its data directory, which `set
// data-directory` moves (connect_files.h).

#include <string>

namespace halfcell::gdb {

// The name of the file in the data directory, for the OS ABI of RegisterFile::target_xml.
inline constexpr const char* kCallNamesFile = "syscalls/amd64-linux.xml";

[[nodiscard]] std::string call_names_xml();

}  // namespace halfcell::gdb
