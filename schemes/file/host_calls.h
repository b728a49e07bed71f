#pragma once

// Host calls on an open descriptor that work for O_PATH descriptors too, as Results.

#include <cstdint>

#include "abi/data.h"
#include "kernel_shim/base/result.h"
#include "schemes/file/host_tree.h"

namespace halfcell::file {

// Errors are those of the Linux call of the same name.
Result<struct stat> host_stat(int file);
Result<abi::StatVfs> host_statvfs(int file);
Result<void> host_chmod(int file, mode_t mode);
Result<void> host_chown(int file, std::uint32_t uid, std::uint32_t gid);
Result<void> host_set_times(int file, const abi::TimeSpec& access, const abi::TimeSpec& modification);
// One pread or pwrite: bytes, which may be fewer than asked.
Result<std::uint64_t> host_read(int file, std::span<std::byte> to, std::uint64_t offset);
Result<std::uint64_t> host_write(int file, std::span<const std::byte> from, std::uint64_t offset,
                                 WriteAt where, Durability durability);
// Everything in an open directory from its current position on, without "." and "..".
Result<std::vector<DirectoryEntry>> host_entries(int directory, const HostTree& tree);

}  // namespace halfcell::file
