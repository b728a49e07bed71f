#include "schemes/file/host_tree.h"

#include <cstring>

namespace halfcell::file {

std::uint64_t HostTree::inode_number(std::uint64_t device, std::uint64_t inode) const {
    if (device == plain_device) return inode;
    // The golden ratio spreads neighbouring device numbers over the upper 24 bits; 0 would mean "plain".
    constexpr std::uint64_t kSpread = 0x9e37'79b9'7f4a'7c15;
    constexpr unsigned kMarkShift = 40;
    const std::uint64_t mark = (device * kSpread) >> kMarkShift;
    return inode ^ ((mark != 0 ? mark : 1) << kMarkShift);
}

abi::Stat guest_stat(const HostTree& tree, const struct stat& status) {
    constexpr std::uint32_t kBlockSize = 512;
    abi::Stat stat{};
    stat.st_ino = tree.inode_number(status.st_dev, status.st_ino);
    stat.st_mode = static_cast<std::uint16_t>(status.st_mode);
    stat.st_nlink = static_cast<std::uint32_t>(status.st_nlink);
    stat.st_uid = status.st_uid;
    stat.st_gid = status.st_gid;
    stat.st_size = static_cast<std::uint64_t>(status.st_size);
    stat.st_blksize = kBlockSize;
    stat.st_blocks = static_cast<std::uint64_t>(status.st_blocks);
    stat.st_mtime_sec = static_cast<std::uint64_t>(status.st_mtim.tv_sec);
    stat.st_mtime_nsec = static_cast<std::uint32_t>(status.st_mtim.tv_nsec);
    stat.st_atime_sec = static_cast<std::uint64_t>(status.st_atim.tv_sec);
    stat.st_atime_nsec = static_cast<std::uint32_t>(status.st_atim.tv_nsec);
    stat.st_ctime_sec = static_cast<std::uint64_t>(status.st_ctim.tv_sec);
    stat.st_ctime_nsec = static_cast<std::uint32_t>(status.st_ctim.tv_nsec);
    return stat;
}

NodeKind kind_of(mode_t mode) {
    if (S_ISREG(mode)) return NodeKind::kFile;
    if (S_ISDIR(mode)) return NodeKind::kDirectory;
    if (S_ISLNK(mode)) return NodeKind::kSymlink;
    if (S_ISSOCK(mode)) return NodeKind::kSocket;
    return NodeKind::kOther;
}

}  // namespace halfcell::file
