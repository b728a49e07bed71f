#include "schemes/file/host_volume.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "kernel_shim/host/host_errno.h"
#include "schemes/file/host_calls.h"

namespace halfcell::file {

using abi::OpenFlags;

namespace {

// A path whose links come and go while we look is given up as one that loops.
constexpr int kRaceRetries = 16;

// The host's access mode. O_NONBLOCK: opening a FIFO must not block.
int access_flags(const OpenRequest& request) {
    if (request.wants_read() && request.wants_write()) return O_RDWR | O_NONBLOCK;
    return (request.wants_write() ? O_WRONLY : O_RDONLY) | O_NONBLOCK;
}

bool wants_data(const OpenRequest& request) {
    return request.wants_read() || request.wants_write();
}

OpenRequest without(OpenRequest request, std::uint64_t flags) {
    request.flags &= ~flags;
    return request;
}

}  // namespace

Result<std::shared_ptr<HostVolume>> HostVolume::create(const std::string& host_path, Writes writes,
                                                       std::optional<std::uint64_t> plain_device) {
    PathJail jail = TRY(PathJail::create(host_path));
    const host::UniqueFd root = TRY(jail.open("", O_PATH));
    const std::uint64_t device = TRY(host_stat(root.get())).st_dev;
    auto tree = std::make_shared<const HostTree>(
        HostTree{.jail = std::move(jail), .writes = writes, .plain_device = plain_device.value_or(device)});
    return std::shared_ptr<HostVolume>(new HostVolume(std::move(tree), device));
}

Result<Reached<NodeRef>> HostVolume::open(std::string_view path, const OpenRequest& request) {
    const auto last = request.means_link() ? PathJail::LastLink::kKeep : PathJail::LastLink::kFollow;
    for (int tries = 0; tries < kRaceRetries; ++tries) {
        Result<NodeRef> node = open_once(path, request);
        if (node) return Reached<NodeRef>(std::move(*node));
        if (node.error() != Errno::kELOOP) return fail(node.error());
        if (auto link = TRY(tree_->jail.first_link(path, last))) return Reached<NodeRef>(std::move(*link));
    }
    return fail(Errno::kELOOP);
}

Result<NodeRef> HostVolume::open_once(std::string_view path, const OpenRequest& request) const {
    if (tree_->read_only()) return open_read_only(path, request);
    if (!request.has(OpenFlags::kCreat)) return open_existing(path, request);
    if (request.has(OpenFlags::kDirectory)) return create_directory(path, request);
    if (request.has(OpenFlags::kSymlink)) return create_link(path, request);
    return create_file(path, request);
}

Result<NodeRef> HostVolume::node_for(host::UniqueFd file, std::string_view path, HostAccess access,
                                     const OpenRequest& request) const {
    const struct stat status = TRY(host_stat(file.get()));
    const NodeKind kind = kind_of(status.st_mode);
    switch (kind) {
        case NodeKind::kSymlink:
            return std::make_shared<HostLink>(tree_, std::string(path), std::move(file));
        case NodeKind::kSocket:
            // A name and no more: what it stands for is in the scheme, or on the host and out of reach.
            if (wants_data(request) &&
                faccessat(file.get(), "", R_OK | W_OK, AT_EACCESS | AT_EMPTY_PATH) != 0)
                return fail(host::last_error());
            break;
        case NodeKind::kOther:
            // FIFOs and devices of the host are seen but not touched.
            if (wants_data(request)) return fail(Errno::kEACCES);
            break;
        case NodeKind::kFile:
        case NodeKind::kDirectory:
            break;
    }
    return std::make_shared<HostNode>(tree_, std::move(file), kind, access);
}

Result<NodeRef> HostVolume::open_existing(std::string_view path, const OpenRequest& request) const {
    const int directory = request.has(OpenFlags::kDirectory) ? O_DIRECTORY : 0;
    if (request.means_link()) {
        // Looked at first, so that the open proper is known not to meet a link.
        host::UniqueFd file = TRY(tree_->jail.open(path, O_PATH | O_NOFOLLOW));
        const NodeKind kind = kind_of(TRY(host_stat(file.get())).st_mode);
        if (kind == NodeKind::kSymlink) {
            if (directory != 0) return fail(Errno::kENOTDIR);
            return node_for(std::move(file), path, HostAccess::kPathOnly, request);
        }
        if (kind != NodeKind::kDirectory && request.has(OpenFlags::kSymlink)) return fail(Errno::kEINVAL);
    }
    const bool truncate = request.has(OpenFlags::kTrunc);
    if (!wants_data(request) && !truncate) {
        const int nofollow = request.means_link() ? O_NOFOLLOW : 0;
        return node_for(TRY(tree_->jail.open(path, O_PATH | directory | nofollow)), path,
                        HostAccess::kPathOnly, request);
    }
    // O_TRUNC asks for the right to write whatever the access mode; Linux checks that for O_RDONLY too.
    const int flags = access_flags(request) | directory | (truncate ? O_TRUNC : 0);
    Result<host::UniqueFd> file = tree_->jail.open(path, flags);
    if (!file && file.error() == Errno::kEISDIR && truncate && !request.wants_write())
        return open_existing(path, without(request, OpenFlags::kTrunc));  // there is nothing to cut short
    // Linux does not open sockets, only their names.
    if (!file && file.error() == Errno::kENXIO)
        return node_for(TRY(tree_->jail.open(path, O_PATH)), path, HostAccess::kPathOnly, request);
    if (!file) return fail(file.error());
    return node_for(std::move(*file), path, HostAccess::kData, request);
}

Result<NodeRef> HostVolume::open_read_only(std::string_view path, const OpenRequest& request) const {
    const bool create = request.has(OpenFlags::kCreat);
    const bool exclusive = create && request.has(OpenFlags::kExcl);
    const OpenRequest existing = without(request, OpenFlags::kCreat | OpenFlags::kTrunc);
    if (exclusive) {
        const Result<host::UniqueFd> probe = tree_->jail.open(path, O_PATH | O_NOFOLLOW);
        if (probe) return fail(Errno::kEEXIST);
        return fail(probe.error() == Errno::kENOENT ? Errno::kEROFS : probe.error());
    }
    if (request.wants_write() || request.has(OpenFlags::kTrunc)) {
        const Result<NodeRef> seen = open_existing(path, without(existing, OpenFlags::kRdwr));
        if (!seen) return fail(create && seen.error() == Errno::kENOENT ? Errno::kEROFS : seen.error());
        if ((*seen)->kind() != NodeKind::kDirectory) return fail(Errno::kEROFS);
        if (request.wants_write()) return fail(Errno::kEISDIR);
    }
    Result<NodeRef> node = open_existing(path, existing);
    if (!node && create && node.error() == Errno::kENOENT) return fail(Errno::kEROFS);
    return node;
}

Result<NodeRef> HostVolume::create_file(std::string_view path, const OpenRequest& request) const {
    const bool exclusive = request.has(OpenFlags::kExcl);
    if (!wants_data(request) && !exclusive) {
        // Linux gives no O_PATH descriptor while creating, and an existing file may be unreadable.
        Result<NodeRef> existing = open_existing(path, without(request, OpenFlags::kCreat));
        if (existing || existing.error() != Errno::kENOENT) return existing;
    }
    const int flags = access_flags(request) | O_CREAT | (exclusive ? O_EXCL : 0) |
                      (request.has(OpenFlags::kTrunc) ? O_TRUNC : 0);
    const mode_t mode = request.mode() & ~mode_t{S_ISUID | S_ISGID};
    Result<host::UniqueFd> file = tree_->jail.open(path, flags, mode);
    if (!file && file.error() == Errno::kEISDIR && !request.wants_write())
        return open_existing(path, without(request, OpenFlags::kCreat));
    if (!file) return fail(file.error());
    return node_for(std::move(*file), path, HostAccess::kData, request);
}

Result<NodeRef> HostVolume::create_directory(std::string_view path, const OpenRequest& request) const {
    const OpenRequest existing = without(request, OpenFlags::kCreat | OpenFlags::kTrunc);
    if (!request.has(OpenFlags::kExcl)) {
        Result<NodeRef> node = open_existing(path, existing);
        if (node || node.error() != Errno::kENOENT) return node;
    }
    if (path.empty()) return fail(Errno::kEEXIST);
    const HostPlace place = TRY(tree_->jail.place(path));
    const mode_t mode = request.mode() & ~mode_t{S_ISUID};
    if (mkdirat(place.directory.get(), place.name.c_str(), mode) != 0) return fail(host::last_error());
    // The handle of a new directory may have any access mode; what it can be used for is reading.
    const std::uint64_t unusable = OpenFlags::kRdwr & ~OpenFlags::kRdonly;
    return open_existing(path, without(existing, unusable));
}

Result<NodeRef> HostVolume::create_link(std::string_view path, const OpenRequest& request) const {
    const Result<host::UniqueFd> probe = tree_->jail.open(path, O_PATH | O_NOFOLLOW);
    if (probe) {
        if (request.has(OpenFlags::kExcl)) return fail(Errno::kEEXIST);
        return open_existing(path, without(request, OpenFlags::kCreat));
    }
    if (probe.error() != Errno::kENOENT) return fail(probe.error());
    // The link itself comes with its target; what can be refused now is.
    const HostPlace place = TRY(tree_->jail.place(path));
    if (faccessat(place.directory.get(), ".", W_OK | X_OK, AT_EACCESS) != 0) return fail(host::last_error());
    return std::make_shared<HostLink>(tree_, std::string(path), host::UniqueFd());
}

}  // namespace halfcell::file
