#pragma once

// The scheme `file`: volumes mounted into one tree, with Redox's semantics of paths, handles and rights on
// top. Source: redoxfs:src/mount/redox/{scheme,resource}.rs; the table in userland-contract.md 3.6.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/machine/memory_object.h"
#include "kernel_shim/scheme/handle_map.h"
#include "kernel_shim/scheme/scheme.h"
#include "schemes/file/bound_sockets.h"
#include "schemes/file/mount_table.h"
#include "schemes/file/record_locks.h"
#include "schemes/file/volume.h"

namespace halfcell::file {

class FileScheme final : public scheme::Scheme {
  public:
    // `name`: "file", or what else such a tree is served as. `pool` outlives the scheme; it holds the bytes
    // of private mappings.
    FileScheme(std::string name, std::vector<Mount> mounts, machine::Pool& pool);

    [[nodiscard]] std::string_view name() const override { return name_; }
    Result<scheme::OpenedHandle> root() override;

    // EINVAL: a NUL in the path. EXDEV: a link leads to another scheme. ELOOP: more than 32 links. EBADF: no
    // such handle. Otherwise what Volume::open says.
    Result<scheme::OpenResult> openat(const scheme::Caller& caller, HandleNumber base, std::string_view path,
                                      std::uint64_t flags, std::uint32_t fcntl_flags) override;
    // EINVAL: the scheme knows no names for a dup.
    Result<scheme::OpenResult> dup(const scheme::Caller& caller, HandleNumber number,
                                   const mem::UserIn& name) override;

    Result<std::uint64_t> read_at(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                                  std::uint64_t offset, scheme::TransferFlags flags) override;
    Result<std::uint64_t> write_at(const scheme::Caller& caller, HandleNumber number, const mem::UserIn& from,
                                   std::uint64_t offset, scheme::TransferFlags flags) override;
    Result<std::uint64_t> fsize(const scheme::Caller& caller, HandleNumber number) override;
    Result<std::uint64_t> fcntl(const scheme::Caller& caller, HandleNumber number, std::uint64_t command,
                                std::uint64_t argument) override;
    Result<std::uint64_t> fevent(const scheme::Caller& caller, HandleNumber number,
                                 std::uint64_t flags) override;
    Result<std::uint64_t> fpath(const scheme::Caller& caller, HandleNumber number,
                                const mem::UserOut& to) override;
    Result<void> fstat(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to) override;
    Result<void> fstatvfs(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to) override;
    Result<void> fsync(const scheme::Caller& caller, HandleNumber number) override;
    Result<void> ftruncate(const scheme::Caller& caller, HandleNumber number, std::uint64_t size) override;
    Result<void> fchmod(const scheme::Caller& caller, HandleNumber number, std::uint16_t mode) override;
    Result<void> fchown(const scheme::Caller& caller, HandleNumber number, std::uint32_t uid,
                        std::uint32_t gid) override;
    Result<std::uint64_t> futimens(const scheme::Caller& caller, HandleNumber number,
                                   const mem::UserIn& times) override;
    Result<void> flink(const scheme::Caller& caller, HandleNumber number, std::string_view path) override;
    Result<void> frename(const scheme::Caller& caller, HandleNumber number, std::string_view path) override;
    Result<void> unlinkat(const scheme::Caller& caller, HandleNumber base, std::string_view path,
                          std::uint64_t flags) override;
    Result<std::uint64_t> getdents(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                                   std::uint16_t header_size, std::uint64_t opaque_id) override;
    Result<std::uint64_t> fmap(const scheme::Caller& caller, HandleNumber number,
                               const scheme::DescriptionRef& description, mem::AddressSpace& target,
                               const abi::Map& map, bool consume) override;
    Result<std::uint64_t> std_fs_call(const scheme::Caller& caller, HandleNumber number,
                                      const mem::UserInOut& payload, const abi::StdFsCallMeta& call,
                                      scheme::DetachWish& detach) override;
    // On a directory, with one bound socket: gives it a file, with the last name of its path. ENOTDIR,
    // EINVAL, errors of Volume::make_socket. What is sent is closed; on failure it is the sender's again.
    Result<std::uint64_t> fd_write(const scheme::Caller& caller, HandleNumber number,
                                   std::vector<scheme::DescriptionRef>&& descriptions, std::uint64_t flags,
                                   std::uint64_t argument, std::span<const std::uint64_t> metadata) override;
    // abi::FsCall::kConnect on a socket's file (EBADF): its token, as the socket gives it. ECONNREFUSED where
    // nobody can accept any more. EINVAL for other calls.
    Result<std::uint64_t> call(const scheme::Caller& caller, HandleNumber number,
                               const mem::UserInOut& payload, std::uint64_t flags,
                               std::span<const std::uint64_t> metadata) override;
    Result<void> close(HandleNumber number) override;
    Result<void> detach(HandleNumber number, std::uint32_t pid) override;

  private:
    using Listing = std::vector<DirectoryEntry>;
    struct Handle {
        const Mount* mount;  // of mounts_
        NodeRef node;
        bool readable;
        bool writable;
        // Canonical, from the scheme's root; changes when the handle is used to rename.
        Guarded<std::string, LockLevel::kObject> path;
        // What getdents hands out piece by piece; renewed when a reader starts over.
        Guarded<std::shared_ptr<const Listing>, LockLevel::kObject> listing;

        [[nodiscard]] std::string current_path() const {
            return path.with([](const std::string& text) { return text; });
        }
        [[nodiscard]] bool is_directory() const { return node->kind() == NodeKind::kDirectory; }
        [[nodiscard]] bool is_socket() const { return node->kind() == NodeKind::kSocket; }
    };
    using HandleRef = std::shared_ptr<Handle>;

    // Does something at a path, following links through all mounts: `operation(mount, path in its volume)`
    // answers Result<Reached<T>>. `path` is canonical, and where the operation finally worked afterwards.
    template <typename T, typename Operation>
    Result<T> walk(std::string& path, Operation operation) const;
    // Where a path goes on behind a link. EXDEV.
    static Result<std::string> behind_link(const Mount& mount, const LinkFound& link);

    Result<HandleRef> open(std::string path, OpenRequest request) const;
    Result<std::shared_ptr<const Listing>> list(const Handle& handle) const;
    // Whether anybody holds a record lock on the file of a handle.
    [[nodiscard]] bool has_locks(HandleNumber number) const;
    Result<std::uint64_t> lock_call(const scheme::Caller& caller, HandleNumber number,
                                    const mem::UserInOut& payload, const abi::StdFsCallMeta& call);

    const std::string name_;
    const MountTable mounts_;
    machine::Pool& pool_;
    RecordLocks locks_;
    BoundSockets sockets_;
    scheme::HandleMap<Handle> handles_;
};

}  // namespace halfcell::file
