#include "schemes/memfs/mem_volume.h"

#include <algorithm>
#include <climits>
#include <utility>

#include "kernel_shim/scheme/redox_path.h"

namespace halfcell::memfs {

using abi::OpenFlags;
using file::Identity;
using file::LinkFound;
using file::NodeKind;
using file::NodeRef;
using file::OpenRequest;
using file::Reached;

namespace {

constexpr std::uint16_t kDirectoryMode = 0755;
constexpr Identity kRoot{};

NodeKind kind_to_make(const OpenRequest& request) {
    if (request.has(OpenFlags::kDirectory)) return NodeKind::kDirectory;
    return request.has(OpenFlags::kSymlink) ? NodeKind::kSymlink : NodeKind::kFile;
}

}  // namespace

MemVolume::MemVolume(const MemVolumeOptions& options)
    : tree_(std::make_shared<MemTree>(options.limit, options.writes)), first_inode_(options.first_inode) {
    // The root is there whatever the limit says; it gives back what it takes.
    (void)tree_->budget->take(std::min(kInodeCost, options.limit));
    root_ = std::make_shared<Inode>(tree_->budget, first_inode_, NodeKind::kDirectory, kDirectoryMode, kRoot);
}

Result<Reached<MemVolume::Found>> MemVolume::find(std::string_view path, Identity caller,
                                                  LastLink last) const {
    if (path.empty()) return Reached<Found>(Found{nullptr, {}, root_});
    InodeRef current = root_;
    for (std::size_t start = 0;;) {
        const std::size_t slash = std::min(path.find('/', start), path.size());
        const bool is_last = slash == path.size();
        const std::string_view name = path.substr(start, slash - start);
        if (current->kind() != NodeKind::kDirectory) return fail(Errno::kENOTDIR);
        if (!current->attributes().permits(caller, kMayPass)) return fail(Errno::kEACCES);
        if (name.size() > NAME_MAX) return fail(Errno::kENAMETOOLONG);
        const auto it = current->children.find(name);
        InodeRef child = it == current->children.end() ? nullptr : it->second;
        const bool is_link = child != nullptr && child->kind() == NodeKind::kSymlink;
        if (is_link && (!is_last || last == LastLink::kFollow)) {
            return Reached<Found>(
                LinkFound{.link = std::string(path.substr(0, slash)),
                          .target = child->text(),
                          .rest = std::string(is_last ? std::string_view{} : path.substr(slash + 1))});
        }
        if (is_last) return Reached<Found>(Found{std::move(current), name, std::move(child)});
        if (child == nullptr) return fail(Errno::kENOENT);
        current = std::move(child);
        start = slash + 1;
    }
}

// The order of checks is redoxfs's. Source: redoxfs:src/mount/redox/scheme.rs open.
Result<void> MemVolume::check_access(const Inode& inode, const OpenRequest& request, bool read_only) {
    const Attributes attributes = inode.attributes();
    if (inode.kind() == NodeKind::kDirectory) {
        if (request.wants_write()) return fail(Errno::kEISDIR);
        if (request.wants_read() && !attributes.permits(request.caller, kMayRead))
            return fail(Errno::kEACCES);
        return {};
    }
    if (inode.kind() != NodeKind::kSymlink && request.has(OpenFlags::kSymlink)) return fail(Errno::kEINVAL);
    if (request.has(OpenFlags::kDirectory)) return fail(Errno::kENOTDIR);
    const bool changes = request.wants_write() || request.has(OpenFlags::kTrunc);
    if (request.wants_read() && !attributes.permits(request.caller, kMayRead)) return fail(Errno::kEACCES);
    if (changes && !attributes.permits(request.caller, kMayWrite)) return fail(Errno::kEACCES);
    if (changes && read_only) return fail(Errno::kEROFS);
    return {};
}

Result<InodeRef> MemVolume::create(const Found& at, NodeKind kind, std::uint16_t mode, Identity owner,
                                   std::uint64_t& counter) const {
    if (!at.parent->attributes().permits(owner, kMayWrite)) return fail(Errno::kEACCES);
    if (tree_->read_only()) return fail(Errno::kEROFS);
    TRY(tree_->budget->take(kInodeCost));
    auto inode = std::make_shared<Inode>(tree_->budget, first_inode_ + ++counter, kind, mode, owner);
    at.parent->children.emplace(std::string(at.name), inode);
    at.parent->touch();
    return inode;
}

Result<Reached<MemVolume::Opened>> MemVolume::find_or_create(std::string_view path,
                                                             const OpenRequest& request,
                                                             std::uint64_t& counter) const {
    const bool create_only = request.has(OpenFlags::kCreat | OpenFlags::kExcl);
    const LastLink last = request.means_link() || create_only ? LastLink::kKeep : LastLink::kFollow;
    Reached<Found> found = TRY(find(path, request.caller, last));
    if (auto* link = std::get_if<LinkFound>(&found)) return Reached<Opened>(std::move(*link));
    const Found& at = std::get<Found>(found);
    if (at.inode == nullptr) {
        if (!request.has(OpenFlags::kCreat)) return fail(Errno::kENOENT);
        return Reached<Opened>(
            Opened{TRY(create(at, kind_to_make(request), request.mode(), request.caller, counter)), false});
    }
    if (create_only) return fail(Errno::kEEXIST);
    TRY(check_access(*at.inode, request, tree_->read_only()));
    return Reached<Opened>(Opened{at.inode, true});
}

Result<Reached<NodeRef>> MemVolume::open(std::string_view path, const OpenRequest& request) {
    Reached<Opened> reached =
        TRY(tree_->lock.with([&](std::uint64_t& counter) { return find_or_create(path, request, counter); }));
    if (auto* link = std::get_if<LinkFound>(&reached)) return Reached<NodeRef>(std::move(*link));
    const auto& [inode, existed] = std::get<Opened>(reached);
    if (existed && request.has(OpenFlags::kTrunc) && inode->kind() != NodeKind::kDirectory)
        TRY(inode->resize(0));
    return Reached<NodeRef>(std::make_shared<MemNode>(tree_, inode));
}

Result<Reached<NodeRef>> MemVolume::make_socket(std::string_view path, Identity caller) {
    return tree_->lock.with([&](std::uint64_t& counter) -> Result<Reached<NodeRef>> {
        Reached<Found> found = TRY(find(path, caller, LastLink::kKeep));
        if (auto* link = std::get_if<LinkFound>(&found)) return Reached<NodeRef>(std::move(*link));
        const Found& at = std::get<Found>(found);
        if (at.inode != nullptr) return fail(Errno::kEEXIST);
        constexpr std::uint16_t kMode = 0777;
        InodeRef inode = TRY(create(at, NodeKind::kSocket, kMode, caller, counter));
        return Reached<NodeRef>(std::make_shared<MemNode>(tree_, std::move(inode)));
    });
}

Result<void> MemVolume::add_directory(std::string_view path, std::uint16_t mode) {
    if (path.empty()) return {};
    TRY(add_directory(scheme::split_reference(path).parent, kDirectoryMode));
    const std::uint64_t flags = OpenFlags::kCreat | OpenFlags::kExcl | OpenFlags::kDirectory;
    const auto reached = open(path, {.flags = flags | mode, .caller = kRoot});
    if (!reached && reached.error() != Errno::kEEXIST) return fail(reached.error());
    return {};
}

Result<void> MemVolume::add_link(std::string_view path, std::string_view target) {
    TRY(add_directory(scheme::split_reference(path).parent, kDirectoryMode));
    const std::uint64_t flags =
        OpenFlags::kCreat | OpenFlags::kExcl | OpenFlags::kSymlink | OpenFlags::kWronly;
    const auto reached = TRY(open(path, {.flags = flags | 0777, .caller = kRoot}));
    TRY(std::get<NodeRef>(reached)->write(0, file::WriteAt::kOffset, file::Durability::kCached,
                                          mem::UserIn::local(target)));
    return {};
}

Result<void> MemVolume::add_file(std::string_view path, std::span<const std::byte> bytes,
                                 std::uint16_t mode) {
    TRY(add_directory(scheme::split_reference(path).parent, kDirectoryMode));
    return tree_->lock.with([&](std::uint64_t& counter) -> Result<void> {
        const Reached<Found> found = TRY(find(path, kRoot, LastLink::kKeep));
        const auto* at = std::get_if<Found>(&found);
        if (at == nullptr || at->parent == nullptr) return fail(Errno::kEINVAL);
        if (at->inode != nullptr) return fail(Errno::kEEXIST);
        TRY(tree_->budget->take(kInodeCost));
        at->parent->children.emplace(std::string(at->name),
                                     std::make_shared<Inode>(tree_->budget, first_inode_ + ++counter,
                                                             NodeKind::kFile, mode, kRoot, bytes));
        return {};
    });
}

}  // namespace halfcell::memfs
