#pragma once

// Redox's calls as gdb is to know them.
//
// gdb keeps a counter for every number up to the highest it catches, 2 GiB for Redox's with the class of a
// call in their top bits. So it is told numbers without those; they are still different ones.

#include <cstdint>
#include <string>

namespace halfcell::gdb {

// 0x21000004 (SYS_WRITE) is 4 to gdb; what is no call stays as it is.
[[nodiscard]] std::uint32_t to_gdb_call(std::uint32_t number);
// And back; Redox's own numbers are understood as well.
[[nodiscard]] std::uint32_t from_gdb_call(std::uint32_t number);

// Names and these numbers in the form of gdb's syscalls/*.xml, from the table of calls: what
// `catch syscall openat` and `catch syscall group:path` look up. Groups are the table's topics.
//
// gdb has no packet for it: it reads the file that its OS ABI names from its data directory, which `set
// data-directory` moves (connect_files.h).

// The name of the file in the data directory, for the OS ABI of RegisterFile::target_xml.
inline constexpr const char* kCallNamesFile = "syscalls/amd64-linux.xml";

[[nodiscard]] std::string call_names_xml();

}  // namespace halfcell::gdb
