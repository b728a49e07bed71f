#include "schemes/file/host_calls.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/wait/host_call.h"

namespace halfcell::file {

namespace {

Result<void> outcome(long result) {
    if (result < 0) return fail(host::last_error());
    return {};
}

// Debian 12's headers have neither name. Linux 6.6 introduced the call.
constexpr long kSysFchmodat2 = 452;

abi::DirentKind kind_of_entry(unsigned char type) {
    switch (type) {
        case DT_CHR:
            return abi::DirentKind::kCharDev;
        case DT_DIR:
            return abi::DirentKind::kDirectory;
        case DT_BLK:
            return abi::DirentKind::kBlockDev;
        case DT_REG:
            return abi::DirentKind::kRegular;
        case DT_LNK:
            return abi::DirentKind::kSymlink;
        case DT_SOCK:
            return abi::DirentKind::kSocket;
        default:
            return abi::DirentKind::kUnspecified;
    }
}

}  // namespace

Result<struct stat> host_stat(int file) {
    struct stat status;
    TRY(outcome(fstat(file, &status)));
    return status;
}

Result<abi::StatVfs> host_statvfs(int file) {
    constexpr std::uint64_t kGuestBlock = 4096;
    struct statfs status;
    TRY(outcome(wait::host_call([&] { return fstatfs(file, &status); })));
    // File systems have blocks of 512 bytes or multiples of them.
    const auto unit = static_cast<std::uint64_t>(status.f_bsize) / 512;
    const auto scaled = [&](std::uint64_t blocks) { return blocks * unit / (kGuestBlock / 512); };
    abi::StatVfs result;
    std::memset(&result, 0, sizeof(result));
    result.f_bsize = kGuestBlock;
    result.f_blocks = scaled(status.f_blocks);
    result.f_bfree = scaled(status.f_bfree);
    result.f_bavail = scaled(status.f_bavail);
    return result;
}

Result<void> host_chmod(int file, mode_t mode) {
    const long result = syscall(kSysFchmodat2, file, "", mode, AT_EMPTY_PATH);
    if (result == 0 || errno != ENOSYS) return outcome(result);
    // Before Linux 6.6 only /proc can change the mode behind an O_PATH descriptor.
    const std::string path = "/proc/self/fd/" + std::to_string(file);
    return outcome(::chmod(path.c_str(), mode));
}

Result<void> host_chown(int file, std::uint32_t uid, std::uint32_t gid) {
    return outcome(fchownat(file, "", uid, gid, AT_EMPTY_PATH));
}

Result<void> host_set_times(int file, const abi::TimeSpec& access, const abi::TimeSpec& modification) {
    const timespec times[2] = {{access.tv_sec, access.tv_nsec}, {modification.tv_sec, modification.tv_nsec}};
    return outcome(utimensat(file, "", times, AT_EMPTY_PATH));
}

Result<std::uint64_t> host_read(int file, std::span<std::byte> to, std::uint64_t offset) {
    const ssize_t count =
        wait::host_call([&] { return pread(file, to.data(), to.size(), static_cast<off_t>(offset)); });
    TRY(outcome(count));
    return static_cast<std::uint64_t>(count);
}

Result<std::uint64_t> host_write(int file, std::span<const std::byte> from, std::uint64_t offset,
                                 WriteAt where, Durability durability) {
    int flags = 0;
    if (where == WriteAt::kEnd) flags |= RWF_APPEND;
    if (durability == Durability::kOnDisk) flags |= RWF_SYNC;
    const iovec piece{const_cast<std::byte*>(from.data()), from.size()};
    const off_t at = where == WriteAt::kEnd ? 0 : static_cast<off_t>(offset);
    const ssize_t count = wait::host_call([&] {
        return flags == 0 ? pwrite(file, from.data(), from.size(), at) : pwritev2(file, &piece, 1, at, flags);
    });
    TRY(outcome(count));
    return static_cast<std::uint64_t>(count);
}

Result<std::vector<DirectoryEntry>> host_entries(int directory, const HostTree& tree) {
    constexpr std::size_t kBatch = 32 * 1024;
    const struct stat status = TRY(host_stat(directory));
    const auto batch = std::make_unique<char[]>(kBatch);
    std::vector<DirectoryEntry> entries;
    for (;;) {
        const long length = syscall(SYS_getdents64, directory, batch.get(), kBatch);
        if (length < 0 && errno == ENOENT) return entries;  // the directory itself was removed
        TRY(outcome(length));
        if (length == 0) return entries;
        for (long at = 0; at < length;) {
            // linux_dirent64: inode, offset, record length, type, name.
            struct [[gnu::packed]] Record {
                std::uint64_t inode;
                std::int64_t offset;
                std::uint16_t length;
                unsigned char type;
            } record;
            std::memcpy(&record, batch.get() + at, sizeof(record));
            const std::string_view name = batch.get() + at + sizeof(record);
            at += record.length;
            if (name == "." || name == "..") continue;
            entries.push_back({.inode = tree.inode_number(status.st_dev, record.inode),
                               .kind = kind_of_entry(record.type),
                               .name = std::string(name)});
        }
    }
}

}  // namespace halfcell::file
