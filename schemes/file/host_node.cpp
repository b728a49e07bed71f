#include "schemes/file/host_node.h"

#include <fcntl.h>
#include <unistd.h>

#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/wait/host_call.h"
#include "schemes/file/host_calls.h"
#include "schemes/file/host_memory.h"
#include "schemes/file/transfer.h"

namespace halfcell::file {

Result<void> HostNode::refuse_read_only() const {
    if (tree_->read_only()) return fail(Errno::kEROFS);
    return {};
}

Result<FileKey> HostNode::key() const {
    const struct stat status = TRY(host_stat(file_.get()));
    return FileKey{status.st_dev, status.st_ino};
}

Result<abi::Stat> HostNode::stat() const {
    return guest_stat(*tree_, TRY(host_stat(file_.get())));
}

Result<abi::StatVfs> HostNode::statvfs() const {
    return host_statvfs(file_.get());
}

Result<std::uint64_t> HostNode::read(std::uint64_t offset, const mem::UserOut& to) {
    return fill(to, [&](std::uint64_t done, std::span<std::byte> part) {
        return host_read(file_.get(), part, offset + done);
    });
}

Result<std::uint64_t> HostNode::write(std::uint64_t offset, WriteAt where, Durability durability,
                                      const mem::UserIn& from) {
    return drain(from, [&](std::uint64_t done, std::span<const std::byte> part) {
        return host_write(file_.get(), part, offset + done, where, durability);
    });
}

Result<void> HostNode::truncate(std::uint64_t size) {
    TRY(refuse_read_only());
    if (size > INT64_MAX) return fail(Errno::kEINVAL);
    const int result = wait::host_call([&] { return ftruncate(file_.get(), static_cast<off_t>(size)); });
    if (result != 0) return fail(host::last_error());
    return {};
}

Result<void> HostNode::sync() {
    // Nothing was written through a descriptor that cannot write.
    if (access_ == HostAccess::kPathOnly) return {};
    if (wait::host_call([&] { return fsync(file_.get()); }) != 0) return fail(host::last_error());
    return {};
}

Result<void> HostNode::chmod(Identity, std::uint16_t mode) {
    TRY(refuse_read_only());
    const mode_t kept = kind_ == NodeKind::kDirectory ? ~mode_t{S_ISUID} : ~mode_t{S_ISUID | S_ISGID};
    return host_chmod(file_.get(), mode & abi::Mode::kPerm & kept);
}

Result<void> HostNode::chown(Identity, std::uint32_t uid, std::uint32_t gid) {
    TRY(refuse_read_only());
    return host_chown(file_.get(), uid, gid);
}

Result<void> HostNode::set_times(Identity, const abi::TimeSpec& access, const abi::TimeSpec& modification) {
    TRY(refuse_read_only());
    return host_set_times(file_.get(), access, modification);
}

Result<std::vector<DirectoryEntry>> HostNode::entries() {
    if (!listed_.exchange(true)) return host_entries(file_.get(), *tree_);
    const host::UniqueFd again(openat(file_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!again.is_open()) {
        if (errno == ENOENT) return std::vector<DirectoryEntry>{};  // removed meanwhile
        return fail(host::last_error());
    }
    return host_entries(again.get(), *tree_);
}

Result<machine::MemoryRef> HostNode::shared_memory(std::uint64_t offset, std::uint64_t size, bool) {
    return std::make_shared<HostFileMemory>(shared_from_this(), file_.get(), offset, size);
}

}  // namespace halfcell::file
