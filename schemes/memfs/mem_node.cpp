#include "schemes/memfs/mem_node.h"

#include <climits>
#include <cstring>

#include "schemes/file/host_memory.h"
#include "schemes/file/transfer.h"

namespace halfcell::memfs {

using file::FileKey;
using file::NodeKind;

namespace {

constexpr std::uint32_t kSectorSize = 512;
constexpr std::uint64_t kBlockSize = 4096;

void store(const timespec& time, std::uint64_t& seconds, std::uint32_t& nanoseconds) {
    seconds = static_cast<std::uint64_t>(time.tv_sec);
    nanoseconds = static_cast<std::uint32_t>(time.tv_nsec);
}

void apply_time(timespec& time, const abi::TimeSpec& wanted) {
    if (wanted.tv_nsec == file::kUtimeOmit) return;
    time = wanted.tv_nsec == file::kUtimeNow ? time_now() : timespec{wanted.tv_sec, wanted.tv_nsec};
}

}  // namespace

std::uint16_t type_bits(NodeKind kind) {
    switch (kind) {
        case NodeKind::kDirectory:
            return abi::Mode::kDir;
        case NodeKind::kSymlink:
            return abi::Mode::kSymlink;
        case NodeKind::kSocket:
            return abi::Mode::kSock;
        case NodeKind::kFile:
        case NodeKind::kOther:
            break;
    }
    return abi::Mode::kFile;
}

Result<FileKey> MemNode::key() const {
    // The tree's address tells volumes apart from each other and from host devices.
    return FileKey{reinterpret_cast<std::uintptr_t>(tree_.get()), inode_->number()};
}

Result<abi::Stat> MemNode::stat() const {
    const Attributes attributes = inode_->attributes();
    abi::Stat stat{};
    stat.st_ino = inode_->number();
    stat.st_mode = type_bits(inode_->kind()) | attributes.mode;
    stat.st_nlink = inode_->links.load(std::memory_order_relaxed);
    stat.st_uid = attributes.uid;
    stat.st_gid = attributes.gid;
    stat.st_size = inode_->size();
    stat.st_blksize = kSectorSize;
    stat.st_blocks = inode_->allocated() / kSectorSize;
    store(attributes.modified, stat.st_mtime_sec, stat.st_mtime_nsec);
    store(attributes.accessed, stat.st_atime_sec, stat.st_atime_nsec);
    store(attributes.changed, stat.st_ctime_sec, stat.st_ctime_nsec);
    return stat;
}

Result<abi::StatVfs> MemNode::statvfs() const {
    abi::StatVfs stat;
    stat.f_bsize = kBlockSize;
    stat.f_blocks = tree_->budget->limit() / kBlockSize;
    stat.f_bfree = (tree_->budget->limit() - tree_->budget->used()) / kBlockSize;
    stat.f_bavail = stat.f_bfree;
    return stat;
}

Result<std::uint64_t> MemNode::read(std::uint64_t offset, const mem::UserOut& to) {
    return file::fill(
        to, [&](std::uint64_t done, std::span<std::byte> part) { return inode_->read(offset + done, part); });
}

Result<std::uint64_t> MemNode::write(std::uint64_t offset, file::WriteAt where, file::Durability,
                                     const mem::UserIn& from) {
    if (tree_->read_only()) return fail(Errno::kEROFS);
    if (inode_->kind() == NodeKind::kSymlink && from.size() > PATH_MAX - 1) return fail(Errno::kENAMETOOLONG);
    return file::drain(from, [&](std::uint64_t done, std::span<const std::byte> part) {
        return inode_->write(offset + done, where, part);
    });
}

Result<void> MemNode::truncate(std::uint64_t size) {
    if (tree_->read_only()) return fail(Errno::kEROFS);
    if (inode_->kind() == NodeKind::kSymlink && size > PATH_MAX - 1) return fail(Errno::kEINVAL);
    return inode_->resize(size);
}

Result<void> MemNode::change(file::Identity caller, const std::function<void(Attributes&)>& apply) {
    if (tree_->read_only()) return fail(Errno::kEROFS);
    return inode_->change_attributes([&](Attributes& attributes) -> Result<void> {
        if (!attributes.owned_by(caller)) return fail(Errno::kEPERM);
        apply(attributes);
        return {};
    });
}

Result<void> MemNode::chmod(file::Identity caller, std::uint16_t mode) {
    return change(caller, [&](Attributes& attributes) { attributes.mode = mode & abi::Mode::kPerm; });
}

Result<void> MemNode::chown(file::Identity caller, std::uint32_t uid, std::uint32_t gid) {
    return change(caller, [&](Attributes& attributes) {
        if (uid != UINT32_MAX) attributes.uid = uid;
        if (gid != UINT32_MAX) attributes.gid = gid;
    });
}

Result<void> MemNode::set_times(file::Identity caller, const abi::TimeSpec& access,
                                const abi::TimeSpec& modification) {
    return change(caller, [&](Attributes& attributes) {
        apply_time(attributes.accessed, access);
        apply_time(attributes.modified, modification);
    });
}

Result<std::vector<file::DirectoryEntry>> MemNode::entries() {
    if (inode_->kind() != NodeKind::kDirectory) return fail(Errno::kENOTDIR);
    return tree_->lock.with([&](const std::uint64_t&) {
        std::vector<file::DirectoryEntry> entries;
        entries.reserve(inode_->children.size());
        for (const auto& [name, child] : inode_->children)
            entries.push_back(
                {.inode = child->number(), .kind = abi::dirent_kind(type_bits(child->kind())), .name = name});
        return entries;
    });
}

Result<machine::MemoryRef> MemNode::shared_memory(std::uint64_t offset, std::uint64_t size, bool) {
    const auto shared = TRY(inode_->share(offset + size));
    return std::make_shared<file::HostFileMemory>(shared_from_this(), shared->get(), offset, size);
}

}  // namespace halfcell::memfs
