#pragma once

// ELF files into an address space. Source: relibc:redox-rt/src/proc.rs fexec_impl.

#include <cstdint>
#include <string>

#include "userland/rt/foreign_space.h"

namespace halfcell::userland {

// Where an image lies and what the auxiliary vector says about it.
struct LoadedImage {
    std::uint64_t base = 0;  // What was added to the file's addresses; 0 for ET_EXEC.
    std::uint64_t end = 0;   // First page behind it.
    std::uint64_t entry = 0;
    std::uint64_t headers = 0;  // Address of the program headers.
    std::uint64_t header_count = 0;
    std::string interpreter;  // Empty: none.
};

// Whether a file says that it was made for Linux: by its ABI, by a note, or by asking for a linker of
// Linux's. Errors of load_elf for a file that is no program. The file's offset changes.
Result<bool> is_made_for_linux(Fd file);

// Loads the segments of `file` into `space`. ENOEXEC for what is no x86-64 program, E2BIG for more than a
// mebibyte of program headers, EIO where they are not in the file, EEXIST and ENOMEM where there is no room.
// The file's offset changes.
Result<LoadedImage> load_elf(Fd file, ForeignSpace& space);

}  // namespace halfcell::userland
