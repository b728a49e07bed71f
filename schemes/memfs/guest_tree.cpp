#include "schemes/memfs/guest_tree.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "kernel_shim/scheme/redox_path.h"
#include "schemes/file/host_volume.h"
#include "schemes/memfs/budget.h"
#include "schemes/memfs/mem_volume.h"
#include "schemes/memfs/root_files.h"

namespace halfcell::memfs {

using file::HostVolume;
using file::Mount;
using file::MountTable;

namespace {

// Volumes in memory count their inodes far from each other's and from those of most host file systems.
constexpr std::uint64_t kInodeDistance = std::uint64_t{1} << 56;
// Beyond what the volumes above a run's binds reach.
constexpr std::uint64_t kDeviceInodes = 128 * kInodeDistance;
// No host device has this number, so that no file of a bind keeps an inode number that a root in memory uses.
constexpr std::uint64_t kNoDevice = UINT64_MAX;

Result<std::shared_ptr<MemVolume>> memory_root(const GuestTree& tree) {
    auto volume = std::make_shared<MemVolume>(MemVolumeOptions{
        .limit = most_for_files(tree.memory_limit), .writes = tree.writes, .first_inode = 1});
    TRY(add_root_files(*volume, tree.programs, tree.host_name));
    return volume;
}

// The devices' names, for a root of the host that has none of Redox's: what makes a root Redox's own is that
// its null device is a link. They can be opened, and show in no listing.
Result<void> add_devices(std::vector<Mount>& mounts) {
    const auto reached = mounts.front().volume->open("dev/null", {});
    if (reached && std::holds_alternative<file::LinkFound>(*reached)) return {};
    auto volume = std::make_shared<MemVolume>(MemVolumeOptions{
        .limit = UINT64_MAX, .writes = file::Writes::kRefused, .first_inode = kDeviceInodes});
    TRY(add_device_links(*volume, ""));
    volume->seal();
    mounts.push_back({.path = "dev", .volume = std::move(volume), .listed = false});
    return {};
}

// Whether something at `path` can be reached; ENOTDIR where a file stands in the way.
Result<bool> exists(const std::vector<Mount>& mounts, std::string_view path) {
    const MountTable table(mounts);
    const MountTable::Place place = table.find(path);
    const auto reached = place.mount->volume->open(place.path, {});
    if (!reached && reached.error() == Errno::kENOENT) return false;
    if (!reached) return fail(reached.error());
    const auto* node = std::get_if<file::NodeRef>(&*reached);
    // What a link leads to is looked up when it is followed.
    if (node == nullptr) return true;
    if ((*node)->kind() != file::NodeKind::kDirectory) return fail(Errno::kENOTDIR);
    return true;
}

}  // namespace

Result<void> add_missing_directories(std::vector<Mount>& mounts) {
    std::vector<std::string> points;
    for (const Mount& mount : mounts)
        points.push_back(mount.path);
    std::ranges::sort(points, {}, &std::string::size);
    std::vector<std::shared_ptr<MemVolume>> added;
    for (const std::string& point : points) {
        const std::string parent(scheme::split_reference(point).parent);
        if (point.empty() || TRY(exists(mounts, parent))) continue;
        const MountTable table(mounts);
        const MountTable::Place place = table.find(parent);
        if (auto* in_memory = dynamic_cast<MemVolume*>(place.mount->volume.get())) {
            TRY(in_memory->add_directory(place.path, 0755));
            continue;
        }
        // The topmost missing directory becomes a volume of its own.
        std::size_t end = place.mount->path.size() + 1;
        for (;;) {
            end = std::min(parent.find('/', end), parent.size());
            if (!TRY(exists(mounts, parent.substr(0, end)))) break;
            ++end;
        }
        auto volume =
            std::make_shared<MemVolume>(MemVolumeOptions{.limit = UINT64_MAX,
                                                         .writes = file::Writes::kRefused,
                                                         .first_inode = (added.size() + 1) * kInodeDistance});
        if (end < parent.size()) TRY(volume->add_directory(parent.substr(end + 1), 0755));
        mounts.push_back({parent.substr(0, end), volume});
        added.push_back(std::move(volume));
    }
    for (const auto& volume : added)
        volume->seal();
    return {};
}

Result<std::vector<Mount>> mount_guest_tree(const GuestTree& tree, std::string& culprit) {
    std::vector<Mount> mounts;
    std::shared_ptr<MemVolume> in_memory;
    std::uint64_t plain_device = kNoDevice;
    if (tree.host_root.empty()) {
        culprit = "/";
        in_memory = TRY(memory_root(tree));
        mounts.push_back({"", in_memory});
    } else {
        culprit = tree.host_root;
        auto root = TRY(HostVolume::create(tree.host_root, tree.writes));
        plain_device = root->device();
        mounts.push_back({"", std::move(root)});
        TRY(add_devices(mounts));
    }
    for (const HostBind& bind : tree.binds) {
        culprit = bind.guest_path;
        std::string point = scheme::resolve_reference({}, bind.guest_path);
        if (point.empty() || !bind.guest_path.starts_with('/')) return fail(Errno::kEINVAL);
        culprit = bind.host_path;
        auto volume = TRY(HostVolume::create(bind.host_path, bind.writes, plain_device));
        mounts.push_back({std::move(point), std::move(volume)});
    }
    culprit = "the directories above a bind";
    TRY(add_missing_directories(mounts));
    if (in_memory != nullptr) in_memory->seal();
    return mounts;
}

}  // namespace halfcell::memfs
