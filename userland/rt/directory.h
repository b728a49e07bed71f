#pragma once

// Reading directories.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "userland/rt/syscall.h"

namespace halfcell::userland {

enum class EntryKind : std::uint8_t { kUnknown, kDirectory, kRegular, kSymbolicLink, kOther };

struct DirectoryEntry {
    std::string name;
    std::uint64_t inode;
    EntryKind kind;  // kUnknown where the scheme does not say.
};

// All entries but "." and "..", in the scheme's order. Opens the directory for reading.
Result<std::vector<DirectoryEntry>> read_directory(std::string_view path);
Result<std::vector<DirectoryEntry>> read_directory(Fd directory);

// The same, sorted by name byte by byte.
Result<std::vector<DirectoryEntry>> read_directory_sorted(std::string_view path);

}  // namespace halfcell::userland
