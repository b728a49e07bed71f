#pragma once

// What was opened in a volume in memory.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "schemes/file/host_tree.h"
#include "schemes/file/volume.h"
#include "schemes/memfs/inode.h"

namespace halfcell::memfs {

// What the nodes of a volume share with it.
struct MemTree {
    MemTree(std::uint64_t limit, file::Writes wanted)
        : budget(std::make_shared<Budget>(limit)), writes(wanted) {}
    const std::shared_ptr<Budget> budget;
    const file::Writes writes;
    // Sealed after set-up: a read-only volume is filled before it refuses writes.
    std::atomic<bool> sealed{false};
    // Who is in which directory: guards Inode::children of every inode. The value counts the inodes ever
    // made.
    Guarded<std::uint64_t, LockLevel::kScheme> lock;

    [[nodiscard]] bool read_only() const { return writes == file::Writes::kRefused && sealed.load(); }
};

class MemNode final : public file::Node, public std::enable_shared_from_this<MemNode> {
  public:
    MemNode(std::shared_ptr<MemTree> tree, InodeRef inode)
        : tree_(std::move(tree)), inode_(std::move(inode)) {}

    [[nodiscard]] const Inode& inode() const { return *inode_; }

    [[nodiscard]] file::NodeKind kind() const override { return inode_->kind(); }
    [[nodiscard]] Result<file::FileKey> key() const override;
    [[nodiscard]] Result<abi::Stat> stat() const override;
    [[nodiscard]] Result<abi::StatVfs> statvfs() const override;
    Result<std::uint64_t> read(std::uint64_t offset, const mem::UserOut& to) override;
    Result<std::uint64_t> write(std::uint64_t offset, file::WriteAt where, file::Durability durability,
                                const mem::UserIn& from) override;
    Result<void> truncate(std::uint64_t size) override;
    Result<void> sync() override { return {}; }
    Result<void> chmod(file::Identity caller, std::uint16_t mode) override;
    Result<void> chown(file::Identity caller, std::uint32_t uid, std::uint32_t gid) override;
    Result<void> set_times(file::Identity caller, const abi::TimeSpec& access,
                           const abi::TimeSpec& modification) override;
    Result<std::vector<file::DirectoryEntry>> entries() override;
    Result<machine::MemoryRef> shared_memory(std::uint64_t offset, std::uint64_t size,
                                             bool writable) override;

  private:
    // EROFS, EPERM.
    Result<void> change(file::Identity caller, const std::function<void(Attributes&)>& apply);

    const std::shared_ptr<MemTree> tree_;
    const InodeRef inode_;
};

// st_mode's type bits.
[[nodiscard]] std::uint16_t type_bits(file::NodeKind kind);

}  // namespace halfcell::memfs
