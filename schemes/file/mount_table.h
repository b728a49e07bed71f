#pragma once

// Which volume a path of the file scheme lies in.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernel_shim/base/result.h"
#include "schemes/file/volume.h"

namespace halfcell::file {

struct Mount {
    std::string path;  // canonical, relative to the scheme's root; "" for the root volume
    std::shared_ptr<Volume> volume;
    bool listed = true;  // false: it can be reached, but its directory does not show it
};

// Immutable once made.
class MountTable {
  public:
    // Needs a volume at "" (our bug otherwise). Of two mounts at one path the later one counts. Every mount
    // point should exist in its parent's volume or lie directly under another one; missing directories on
    // the way show nowhere (memfs::add_missing_directories makes them).
    explicit MountTable(std::vector<Mount> mounts);

    struct Place {
        const Mount* mount;     // valid as long as the table
        std::string_view path;  // inside the mount's volume; a view into what was asked for
    };
    // The deepest mount that holds a canonical path.
    [[nodiscard]] Place find(std::string_view path) const;

    // The mounts directly inside a directory.
    [[nodiscard]] std::vector<const Mount*> inside(std::string_view directory) const;
    // Whether `path` is a mount point, or has one below it: such a name can be neither moved nor removed.
    [[nodiscard]] bool holds_mount(std::string_view path) const;

  private:
    std::vector<Mount> mounts_;  // the longest path first
};

}  // namespace halfcell::file
