#pragma once

// The mounts behind a run's `file` scheme: a root from the host or in memory, and what is bound into it.

#include <cstdint>
#include <string>
#include <vector>

#include "schemes/file/host_tree.h"
#include "schemes/file/mount_table.h"
#include "schemes/memfs/fixed_file.h"

namespace halfcell::memfs {

struct HostBind {
    std::string host_path;   // directory or file
    std::string guest_path;  // "/mnt/data"
    file::Writes writes = file::Writes::kAllowed;
};

struct GuestTree {
    // Empty: a root in memory. A directory of the host gets the names of devices in /dev, unless it has a
    // link /dev/null, as roots made for Redox do.
    std::string host_root;
    file::Writes writes = file::Writes::kAllowed;
    std::vector<HostBind> binds;
    // Bytes the root in memory may hold; more than half of the host's memory is never taken.
    std::uint64_t memory_limit = UINT64_MAX;
    std::vector<FixedFile> programs;  // appear in a root in memory, which also gets /etc, /dev, /tmp…
    std::string host_name = "halfcell";
};

// Mounts for file::FileScheme. On an error `culprit` names the path that caused it: ENOENT, EACCES… of a host
// path; EINVAL for a guest path that is "/" or not absolute, ENOTDIR for one below a file. Blocks for host
// I/O.
Result<std::vector<file::Mount>> mount_guest_tree(const GuestTree& tree, std::string& culprit);

// Makes mount points reachable: directories that are missing above them are added, in memory and read-only
// where the volume they belong to lives on the host.
Result<void> add_missing_directories(std::vector<file::Mount>& mounts);

}  // namespace halfcell::memfs
