#include <utility>

#include "schemes/memfs/mem_volume.h"

// The operations of a volume in memory that change names. Who may: redoxfs:src/mount/redox/scheme.rs.

namespace halfcell::memfs {

using file::Done;
using file::Identity;
using file::LinkFound;
using file::Node;
using file::NodeKind;
using file::Reached;

namespace {

// `path` lies below `directory`.
bool lies_below(std::string_view path, std::string_view directory) {
    return path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/';
}

}  // namespace

Result<Reached<Done>> MemVolume::unlink(std::string_view path, Remove what, Identity caller) {
    if (path.empty()) return fail(Errno::kEBUSY);
    // Destroyed after the lock is released: a file's pages take their time.
    InodeRef removed;
    return tree_->lock.with([&](std::uint64_t&) -> Result<Reached<Done>> {
        Reached<Found> found = TRY(find(path, caller, LastLink::kKeep));
        if (auto* link = std::get_if<LinkFound>(&found)) return Reached<Done>(std::move(*link));
        const Found& at = std::get<Found>(found);
        if (at.inode == nullptr) return fail(Errno::kENOENT);
        const bool is_directory = at.inode->kind() == NodeKind::kDirectory;
        if (what == Remove::kFile && is_directory) return fail(Errno::kEISDIR);
        if (what == Remove::kDirectory && !is_directory) return fail(Errno::kENOTDIR);
        const Attributes attributes = at.inode->attributes();
        const bool allowed =
            is_directory ? attributes.permits(caller, kMayWrite) : attributes.owned_by(caller);
        if (!at.parent->attributes().permits(caller, kMayWrite) || !allowed) return fail(Errno::kEACCES);
        if (!at.inode->children.empty()) return fail(Errno::kENOTEMPTY);
        if (tree_->read_only()) return fail(Errno::kEROFS);
        at.parent->children.erase(at.parent->children.find(at.name));
        at.parent->touch();
        at.inode->links.fetch_sub(1, std::memory_order_relaxed);
        removed = at.inode;
        return Reached<Done>(Done{});
    });
}

Result<Reached<MemVolume::Move>> MemVolume::find_move(const Node& node, std::string_view from,
                                                      std::string_view to, Identity caller) const {
    if (to.empty()) return fail(Errno::kEBUSY);
    Reached<Found> target = TRY(find(to, caller, LastLink::kKeep));
    if (auto* link = std::get_if<LinkFound>(&target)) return Reached<Move>(std::move(*link));
    if (from.empty()) return fail(Errno::kEBUSY);
    Reached<Found> source = TRY(find(from, caller, LastLink::kKeep));
    // What was a directory when the node was opened may be a link by now.
    if (std::holds_alternative<LinkFound>(source)) return fail(Errno::kENOENT);
    Move move{std::get<Found>(std::move(source)), std::get<Found>(std::move(target))};
    const auto* opened = dynamic_cast<const MemNode*>(&node);
    if (opened == nullptr || move.source.inode.get() != &opened->inode()) return fail(Errno::kENOENT);
    if (tree_->read_only()) return fail(Errno::kEROFS);
    if (!move.source.inode->attributes().owned_by(caller)) return fail(Errno::kEACCES);
    if (!move.target.parent->attributes().owned_by(caller)) return fail(Errno::kEACCES);
    return Reached<Move>(std::move(move));
}

Result<Reached<Done>> MemVolume::rename(const Node& node, std::string_view from, std::string_view to,
                                        Identity caller) {
    InodeRef replaced;
    return tree_->lock.with([&](std::uint64_t&) -> Result<Reached<Done>> {
        Reached<Move> found = TRY(find_move(node, from, to, caller));
        if (auto* link = std::get_if<LinkFound>(&found)) return Reached<Done>(std::move(*link));
        const auto& [source, target] = std::get<Move>(found);
        if (lies_below(to, from)) return fail(Errno::kEINVAL);
        if (target.inode == source.inode) return Reached<Done>(Done{});
        if (target.inode != nullptr) {
            const bool from_directory = source.inode->kind() == NodeKind::kDirectory;
            const bool to_directory = target.inode->kind() == NodeKind::kDirectory;
            if (!target.inode->attributes().owned_by(caller)) return fail(Errno::kEACCES);
            if (to_directory && !from_directory) return fail(Errno::kEACCES);
            if (!to_directory && from_directory) return fail(Errno::kENOTDIR);
            if (!target.inode->children.empty()) return fail(Errno::kENOTEMPTY);
            target.inode->links.fetch_sub(1, std::memory_order_relaxed);
            replaced = target.inode;
        }
        source.parent->children.erase(source.parent->children.find(source.name));
        source.parent->touch();
        target.parent->children.insert_or_assign(std::string(target.name), source.inode);
        target.parent->touch();
        return Reached<Done>(Done{});
    });
}

Result<Reached<Done>> MemVolume::link(const Node& node, std::string_view from, std::string_view to,
                                      Identity caller) {
    if (node.kind() == NodeKind::kDirectory) return fail(Errno::kEPERM);
    return tree_->lock.with([&](std::uint64_t&) -> Result<Reached<Done>> {
        Reached<Move> found = TRY(find_move(node, from, to, caller));
        if (auto* link = std::get_if<LinkFound>(&found)) return Reached<Done>(std::move(*link));
        const auto& [source, target] = std::get<Move>(found);
        if (target.inode != nullptr) return fail(Errno::kEEXIST);
        source.inode->links.fetch_add(1, std::memory_order_relaxed);
        target.parent->children.emplace(std::string(target.name), source.inode);
        target.parent->touch();
        return Reached<Done>(Done{});
    });
}

}  // namespace halfcell::memfs
