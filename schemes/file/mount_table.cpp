#include "schemes/file/mount_table.h"

#include <algorithm>
#include <utility>

#include "kernel_shim/base/check.h"
#include "kernel_shim/scheme/redox_path.h"

namespace halfcell::file {

namespace {

// `path` is `directory` or lies below it.
bool lies_in(std::string_view path, std::string_view directory) {
    if (directory.empty() || path == directory) return true;
    return path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/';
}

}  // namespace

MountTable::MountTable(std::vector<Mount> mounts) {
    for (Mount& mount : mounts) {
        std::erase_if(mounts_, [&](const Mount& other) { return other.path == mount.path; });
        mounts_.push_back(std::move(mount));
    }
    std::ranges::stable_sort(
        mounts_, [](const Mount& left, const Mount& right) { return left.path.size() > right.path.size(); });
    HC_CHECK(!mounts_.empty() && mounts_.back().path.empty(), "the file scheme has a root");
}

MountTable::Place MountTable::find(std::string_view path) const {
    for (const Mount& mount : mounts_) {
        if (!lies_in(path, mount.path)) continue;
        path.remove_prefix(mount.path.size());
        if (path.starts_with('/')) path.remove_prefix(1);
        return {&mount, path};
    }
    check_failed("mounts_", __FILE__, __LINE__, "the root holds every path");
}

std::vector<const Mount*> MountTable::inside(std::string_view directory) const {
    std::vector<const Mount*> found;
    for (const Mount& mount : mounts_) {
        if (!mount.path.empty() && scheme::split_reference(mount.path).parent == directory)
            found.push_back(&mount);
    }
    return found;
}

bool MountTable::holds_mount(std::string_view path) const {
    return std::ranges::any_of(mounts_, [&](const Mount& mount) { return lies_in(mount.path, path); });
}

}  // namespace halfcell::file
