#pragma once

// A volume that lives in memory and ends with the run: the root when no host directory is given, and what
// initfs shows.

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "schemes/file/volume.h"
#include "schemes/memfs/inode.h"
#include "schemes/memfs/mem_node.h"

namespace halfcell::memfs {

struct MemVolumeOptions {
    std::uint64_t limit = 0;  // bytes, nodes included
    // kRefused: read-only from seal() on.
    file::Writes writes = file::Writes::kAllowed;
    // Inode numbers count up from here; volumes of one scheme should not overlap.
    std::uint64_t first_inode = 1;
};

class MemVolume final : public file::Volume {
  public:
    // An empty tree whose root belongs to uid 0 with mode 0755.
    explicit MemVolume(const MemVolumeOptions& options);

    // --- filling it, as root; directories on the way are made with mode 0755. Errors of open.
    Result<void> add_directory(std::string_view path, std::uint16_t mode);
    Result<void> add_link(std::string_view path, std::string_view target);
    // `bytes` must outlive the volume.
    Result<void> add_file(std::string_view path, std::span<const std::byte> bytes, std::uint16_t mode);
    // Ends filling a read-only volume.
    void seal() { tree_->sealed = true; }

    Result<file::Reached<file::NodeRef>> open(std::string_view path,
                                              const file::OpenRequest& request) override;
    Result<file::Reached<file::NodeRef>> make_socket(std::string_view path, file::Identity caller) override;
    Result<file::Reached<file::Done>> unlink(std::string_view path, Remove what,
                                             file::Identity caller) override;
    Result<file::Reached<file::Done>> rename(const file::Node& node, std::string_view from,
                                             std::string_view to, file::Identity caller) override;
    Result<file::Reached<file::Done>> link(const file::Node& node, std::string_view from, std::string_view to,
                                           file::Identity caller) override;

  private:
    // Where a path ends: the directory, the name in it (a view into the path), and what has that name.
    struct Found {
        InodeRef parent;  // null for the root
        std::string_view name;
        InodeRef inode;  // null where nothing has the name
    };
    enum class LastLink : std::uint8_t { kFollow, kKeep };
    // All below: the tree's lock must be held.
    Result<file::Reached<Found>> find(std::string_view path, file::Identity caller, LastLink last) const;
    static Result<void> check_access(const Inode& inode, const file::OpenRequest& request, bool read_only);
    Result<InodeRef> create(const Found& at, file::NodeKind kind, std::uint16_t mode, file::Identity owner,
                            std::uint64_t& counter) const;
    struct Opened {
        InodeRef inode;
        bool existed;
    };
    Result<file::Reached<Opened>> find_or_create(std::string_view path, const file::OpenRequest& request,
                                                 std::uint64_t& counter) const;
    // The source and target of a rename or link, with the rights both need.
    struct Move {
        Found source;
        Found target;
    };
    Result<file::Reached<Move>> find_move(const file::Node& node, std::string_view from, std::string_view to,
                                          file::Identity caller) const;

    const std::shared_ptr<MemTree> tree_;
    const std::uint64_t first_inode_;
    InodeRef root_;
};

}  // namespace halfcell::memfs
