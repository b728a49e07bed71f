#pragma once

// What was opened on the host: a file, a directory, or anything else by O_PATH.

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/host/unique_fd.h"
#include "schemes/file/host_tree.h"
#include "schemes/file/volume.h"

namespace halfcell::file {

// How the descriptor of a node was opened.
enum class HostAccess : std::uint8_t { kPathOnly, kData };

class HostNode : public Node, public std::enable_shared_from_this<HostNode> {
  public:
    HostNode(std::shared_ptr<const HostTree> tree, host::UniqueFd file, NodeKind kind, HostAccess access)
        : tree_(std::move(tree)), file_(std::move(file)), kind_(kind), access_(access) {}

    [[nodiscard]] NodeKind kind() const override { return kind_; }
    [[nodiscard]] Result<FileKey> key() const override;
    [[nodiscard]] Result<abi::Stat> stat() const override;
    [[nodiscard]] Result<abi::StatVfs> statvfs() const override;
    Result<std::uint64_t> read(std::uint64_t offset, const mem::UserOut& to) override;
    Result<std::uint64_t> write(std::uint64_t offset, WriteAt where, Durability durability,
                                const mem::UserIn& from) override;
    Result<void> truncate(std::uint64_t size) override;
    Result<void> sync() override;
    // Set-user-id is never given to a host file, nor set-group-id to one that is no directory: a guest must
    // not leave programs behind that lend its owner's rights to other users of the host.
    Result<void> chmod(Identity caller, std::uint16_t mode) override;
    Result<void> chown(Identity caller, std::uint32_t uid, std::uint32_t gid) override;
    Result<void> set_times(Identity caller, const abi::TimeSpec& access,
                           const abi::TimeSpec& modification) override;
    Result<std::vector<DirectoryEntry>> entries() override;
    Result<machine::MemoryRef> shared_memory(std::uint64_t offset, std::uint64_t size,
                                             bool writable) override;

  private:
    Result<void> refuse_read_only() const;

    const std::shared_ptr<const HostTree> tree_;
    const host::UniqueFd file_;
    const NodeKind kind_;
    const HostAccess access_;
    // The first listing reads file_ itself, later ones reopen: the host's directory offset is shared.
    std::atomic<bool> listed_{false};
};

// A symbolic link as a file whose bytes are the target. It may not exist yet: Redox makes a link by creating
// it empty and writing to it, Linux only has links with a target.
class HostLink final : public Node {
  public:
    // `file` is O_PATH|O_NOFOLLOW, or closed for a link that the first write creates.
    HostLink(std::shared_ptr<const HostTree> tree, std::string path, host::UniqueFd file);

    [[nodiscard]] NodeKind kind() const override { return NodeKind::kSymlink; }
    [[nodiscard]] Result<FileKey> key() const override;
    [[nodiscard]] Result<abi::Stat> stat() const override;
    [[nodiscard]] Result<abi::StatVfs> statvfs() const override;
    Result<std::uint64_t> read(std::uint64_t offset, const mem::UserOut& to) override;
    // Rewrites the target; an existing link is replaced in one step.
    Result<std::uint64_t> write(std::uint64_t offset, WriteAt where, Durability durability,
                                const mem::UserIn& from) override;
    Result<void> truncate(std::uint64_t size) override;
    Result<void> sync() override { return {}; }
    Result<void> chmod(Identity caller, std::uint16_t mode) override;
    Result<void> chown(Identity caller, std::uint32_t uid, std::uint32_t gid) override;
    Result<void> set_times(Identity caller, const abi::TimeSpec& access,
                           const abi::TimeSpec& modification) override;
    Result<std::vector<DirectoryEntry>> entries() override { return fail(Errno::kENOTDIR); }
    Result<machine::MemoryRef> shared_memory(std::uint64_t, std::uint64_t, bool) override {
        return fail(Errno::kENODEV);
    }

  private:
    // Null while the link does not exist.
    [[nodiscard]] std::shared_ptr<const host::UniqueFd> file() const;
    [[nodiscard]] Result<std::shared_ptr<const host::UniqueFd>> existing() const;
    [[nodiscard]] Result<std::string> target() const;
    Result<void> set_target(const std::string& target);

    const std::shared_ptr<const HostTree> tree_;
    const std::string path_;
    Guarded<std::shared_ptr<const host::UniqueFd>, LockLevel::kObject> file_;
};

}  // namespace halfcell::file
