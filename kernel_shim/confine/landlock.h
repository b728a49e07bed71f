#pragma once

// Landlock: which files of the host this process may still open, for good. Source: linux:security/landlock.

#include <string>
#include <vector>

#include "kernel_shim/base/result.h"

namespace halfcell::confine {

enum class FileRights {
    kRead,          // open to read, list
    kReadAndWrite,  // and to write, make, rename, remove; never to execute, and no devices
};

// A file, or a directory and all below it, by its path now.
struct FileGrant {
    std::string path;
    FileRights rights = FileRights::kRead;
};

// The host's version of Landlock; 0 where it has none. Does not block.
[[nodiscard]] int landlock_version();

// From now on this thread, and every thread and process it makes, opens nothing beyond `grants`; where the
// host is new enough, it also signals nobody outside, and connects to no TCP port and no abstract socket.
// Descriptors that are open already keep what they could. A grant whose path does not exist is nothing; one
// below another adds to it. Call it while there is one thread; the process must have no_new_privs. ENOSYS,
// EOPNOTSUPP where there is no Landlock; else the host's. Blocks for the host's work.
Result<void> restrict_files(const std::vector<FileGrant>& grants);

}  // namespace halfcell::confine
