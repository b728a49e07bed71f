#pragma once

// Directories of the kernel's schemes, which are listed in one piece or not at all.

#include <cstdint>
#include <string>
#include <vector>

#include "abi/dirent.h"
#include "kernel_shim/base/result.h"
#include "kernel_shim/mem/user_slice.h"

namespace halfcell::schemes {

struct DirectoryEntry {
    std::uint64_t inode = 0;
    std::uint64_t next_opaque_id = 0;
    abi::DirentKind kind = abi::DirentKind::kUnspecified;
    std::string name;
};

// Packs all entries into `to` and returns the bytes. EINVAL where one does not fit: upstream's kernel schemes
// give no partial answer. EFAULT. Source: syscall:src/dirent.rs DirentBuf.
Result<std::uint64_t> reply_all_entries(const mem::UserOut& to, std::uint16_t header_size,
                                        const std::vector<DirectoryEntry>& entries);

}  // namespace halfcell::schemes
