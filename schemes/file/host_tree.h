#pragma once

// What a host volume and everything opened in it have in common, and how host metadata looks to a guest.

#include <sys/stat.h>

#include <cstdint>
#include <utility>

#include "abi/data.h"
#include "schemes/file/path_jail.h"
#include "schemes/file/volume.h"

namespace halfcell::file {

enum class Writes : std::uint8_t { kAllowed, kRefused };

// Immutable once made; shared by the volume and its nodes.
struct HostTree {
    PathJail jail;
    Writes writes = Writes::kAllowed;
    // Files of this device keep their inode numbers; those of others get a mark in the upper bits, since
    // st_dev is always 0 and programs take equal numbers for the same file.
    std::uint64_t plain_device = 0;

    [[nodiscard]] bool read_only() const { return writes == Writes::kRefused; }
    [[nodiscard]] std::uint64_t inode_number(std::uint64_t device, std::uint64_t inode) const;
};

// As a guest sees it: st_dev 0, st_blksize 512. Source: redoxfs:src/mount/redox/resource.rs stat.
[[nodiscard]] abi::Stat guest_stat(const HostTree& tree, const struct stat& status);

[[nodiscard]] NodeKind kind_of(mode_t mode);

}  // namespace halfcell::file
