#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel_shim/host/host_errno.h"
#include "schemes/file/host_calls.h"
#include "schemes/file/host_node.h"
#include "schemes/file/host_volume.h"

// The operations of a host volume that change names.

namespace halfcell::file {

namespace {

Result<Reached<Done>> outcome(int result) {
    if (result != 0) return fail(host::last_error());
    return Reached<Done>(Done{});
}

// The place a new or old name has; or the link that has to be followed to get there.
Result<Reached<HostPlace>> reach(const PathJail& jail, std::string_view path) {
    Result<HostPlace> place = jail.place(path);
    if (place) return Reached<HostPlace>(std::move(*place));
    if (place.error() != Errno::kELOOP) return fail(place.error());
    if (auto link = TRY(jail.first_link(path, PathJail::LastLink::kKeep)))
        return Reached<HostPlace>(std::move(*link));
    // The link went while we looked.
    return Reached<HostPlace>(TRY(jail.place(path)));
}

}  // namespace

Result<HostPlace> HostVolume::place_of(const Node& node, std::string_view path) const {
    const FileKey key = TRY(node.key());
    Result<HostPlace> place = tree_->jail.place(path);
    // What was a directory when the node was opened may be a link by now.
    if (!place) return fail(place.error() == Errno::kELOOP ? Errno::kENOENT : place.error());
    struct stat status;
    if (fstatat(place->directory.get(), place->name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
        return fail(host::last_error());
    if (FileKey{status.st_dev, status.st_ino} != key) return fail(Errno::kENOENT);
    return place;
}

Result<Reached<NodeRef>> HostVolume::make_socket(std::string_view path, Identity) {
    Reached<HostPlace> reached = TRY(reach(tree_->jail, path));
    if (auto* link = std::get_if<LinkFound>(&reached)) return Reached<NodeRef>(std::move(*link));
    const HostPlace& place = std::get<HostPlace>(reached);
    if (tree_->read_only()) return fail(Errno::kEROFS);
    constexpr mode_t kMode = S_IFSOCK | 0777;
    if (mknodat(place.directory.get(), place.name.c_str(), kMode, 0) != 0) return fail(host::last_error());
    host::UniqueFd file(openat(place.directory.get(), place.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!file.is_open()) return fail(host::last_error());
    return Reached<NodeRef>(
        std::make_shared<HostNode>(tree_, std::move(file), NodeKind::kSocket, HostAccess::kPathOnly));
}

Result<Reached<Done>> HostVolume::unlink(std::string_view path, Remove what, Identity) {
    Reached<HostPlace> reached = TRY(reach(tree_->jail, path));
    if (auto* link = std::get_if<LinkFound>(&reached)) return Reached<Done>(std::move(*link));
    const HostPlace& place = std::get<HostPlace>(reached);
    if (tree_->read_only()) {
        // What is missing is missing on a read-only volume, too.
        struct stat status;
        if (fstatat(place.directory.get(), place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
            return fail(host::last_error());
        return fail(Errno::kEROFS);
    }
    const int flags = what == Remove::kDirectory ? AT_REMOVEDIR : 0;
    return outcome(unlinkat(place.directory.get(), place.name.c_str(), flags));
}

Result<Reached<Done>> HostVolume::rename(const Node& node, std::string_view from, std::string_view to,
                                         Identity) {
    if (tree_->read_only()) return fail(Errno::kEROFS);
    Reached<HostPlace> reached = TRY(reach(tree_->jail, to));
    if (auto* link = std::get_if<LinkFound>(&reached)) return Reached<Done>(std::move(*link));
    const HostPlace& target = std::get<HostPlace>(reached);
    const HostPlace source = TRY(place_of(node, from));
    const int result =
        renameat(source.directory.get(), source.name.c_str(), target.directory.get(), target.name.c_str());
    if (result == 0) return Reached<Done>(Done{});
    const Errno error = host::last_error();
    const bool occupied = error == Errno::kEISDIR || error == Errno::kENOTEMPTY || error == Errno::kEEXIST;
    if (!occupied) return fail(error);
    // redoxfs has its own word for anything else that is to replace a directory, full or not.
    return fail(node.kind() == NodeKind::kDirectory ? Errno::kENOTEMPTY : Errno::kEACCES);
}

Result<Reached<Done>> HostVolume::link(const Node& node, std::string_view from, std::string_view to,
                                       Identity) {
    if (node.kind() == NodeKind::kDirectory) return fail(Errno::kEPERM);
    if (tree_->read_only()) return fail(Errno::kEROFS);
    Reached<HostPlace> reached = TRY(reach(tree_->jail, to));
    if (auto* link = std::get_if<LinkFound>(&reached)) return Reached<Done>(std::move(*link));
    const HostPlace& target = std::get<HostPlace>(reached);
    const HostPlace source = TRY(place_of(node, from));
    return outcome(
        linkat(source.directory.get(), source.name.c_str(), target.directory.get(), target.name.c_str(), 0));
}

}  // namespace halfcell::file
