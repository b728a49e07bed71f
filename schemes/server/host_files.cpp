#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "abi/flags.h"
#include "schemes/server/files.h"

namespace halfcell::server {

using abi::Errno;
using userland::Result;

namespace {

// The numbers are Redox's too, as far as files go.
Errno last_error() {
    return static_cast<Errno>(errno);
}

int file_of(const Descriptor& descriptor) {
    return static_cast<int>(descriptor.number());
}

int host_flags(std::uint64_t flags) {
    using abi::OpenFlags;
    const bool reads = (flags & OpenFlags::kRdonly) != 0;
    const bool writes = (flags & OpenFlags::kWronly) != 0;
    int host = O_CLOEXEC | O_NOCTTY | (writes ? (reads ? O_RDWR : O_WRONLY) : O_RDONLY);
    const auto with = [&](std::uint64_t flag, int bit) {
        if ((flags & flag) != 0) host |= bit;
    };
    with(OpenFlags::kCreat, O_CREAT);
    with(OpenFlags::kTrunc, O_TRUNC);
    with(OpenFlags::kExcl, O_EXCL);
    with(OpenFlags::kDirectory, O_DIRECTORY);
    with(OpenFlags::kNonblock, O_NONBLOCK);
    return host;
}

// A name in a directory, and nothing outside, whatever links say.
Result<Descriptor> open_beneath(int directory, const std::string& name, int flags, mode_t mode) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags);
    if ((flags & O_CREAT) != 0) how.mode = mode & 07777;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    const char* const path = name.empty() ? "." : name.c_str();
    const long file = ::syscall(SYS_openat2, directory, path, &how, sizeof how);
    if (file < 0) return errno == EXDEV ? Errno::kEACCES : last_error();
    return Descriptor(static_cast<std::uint64_t>(file));
}

abi::DirentKind kind_of(unsigned char type) {
    switch (type) {
        case DT_DIR:
            return abi::DirentKind::kDirectory;
        case DT_REG:
            return abi::DirentKind::kRegular;
        case DT_LNK:
            return abi::DirentKind::kSymlink;
        case DT_CHR:
            return abi::DirentKind::kCharDev;
        case DT_SOCK:
            return abi::DirentKind::kSocket;
        default:
            return abi::DirentKind::kUnspecified;
    }
}

Result<std::uint64_t> moved(ssize_t count) {
    if (count < 0) return last_error();
    return static_cast<std::uint64_t>(count);
}

}  // namespace

Result<std::uint64_t> File::read(std::span<std::byte> to, std::uint64_t offset) const {
    return moved(::pread(file_of(descriptor_), to.data(), to.size(), static_cast<off_t>(offset)));
}

Result<std::uint64_t> File::write(std::span<const std::byte> from, std::uint64_t offset) const {
    return moved(::pwrite(file_of(descriptor_), from.data(), from.size(), static_cast<off_t>(offset)));
}

Result<abi::Stat> File::status() const {
    struct stat host {};
    if (::fstat(file_of(descriptor_), &host) != 0) return last_error();
    abi::Stat stat{};
    stat.st_ino = host.st_ino;
    // The types are the same numbers.
    stat.st_mode = static_cast<std::uint16_t>(host.st_mode);
    stat.st_nlink = static_cast<std::uint32_t>(host.st_nlink);
    stat.st_size = static_cast<std::uint64_t>(host.st_size);
    stat.st_blksize = static_cast<std::uint32_t>(host.st_blksize);
    stat.st_blocks = static_cast<std::uint64_t>(host.st_blocks);
    stat.st_mtime_sec = static_cast<std::uint64_t>(host.st_mtim.tv_sec);
    stat.st_mtime_nsec = static_cast<std::uint32_t>(host.st_mtim.tv_nsec);
    stat.st_atime_sec = static_cast<std::uint64_t>(host.st_atim.tv_sec);
    stat.st_atime_nsec = static_cast<std::uint32_t>(host.st_atim.tv_nsec);
    stat.st_ctime_sec = static_cast<std::uint64_t>(host.st_ctim.tv_sec);
    stat.st_ctime_nsec = static_cast<std::uint32_t>(host.st_ctim.tv_nsec);
    return stat;
}

Result<void> File::truncate(std::uint64_t size) const {
    if (::ftruncate(file_of(descriptor_), static_cast<off_t>(size)) != 0) return last_error();
    return {};
}

Result<std::vector<File::Entry>> File::entries() const {
    // A description of its own, that begins at the beginning.
    const int copy = ::openat(file_of(descriptor_), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy < 0) return last_error();
    DIR* const directory = ::fdopendir(copy);
    if (directory == nullptr) {
        const Errno error = last_error();
        ::close(copy);
        return error;
    }
    std::vector<Entry> entries;
    while (const dirent* const entry = ::readdir(directory)) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") entries.push_back({std::string(name), kind_of(entry->d_type)});
    }
    ::closedir(directory);
    return entries;
}

Result<Directory> Directory::open(std::string_view path) {
    const std::string name(path);
    const int file = ::open(name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) return last_error();
    return Directory(Descriptor(static_cast<std::uint64_t>(file)), name);
}

Result<File> Directory::open_file(std::string_view name, std::uint64_t flags) const {
    return File(RT_TRY(open_beneath(file_of(descriptor_), std::string(name), host_flags(flags),
                                    static_cast<mode_t>(flags & 0xffff))));
}

Result<void> Directory::remove(std::string_view name, std::uint64_t flags) const {
    const std::size_t slash = name.rfind('/');
    const std::string parent(slash == name.npos ? "" : name.substr(0, slash));
    const std::string last(slash == name.npos ? name : name.substr(slash + 1));
    const Descriptor directory =
        RT_TRY(open_beneath(file_of(descriptor_), parent, O_PATH | O_DIRECTORY | O_CLOEXEC, 0));
    const int host = (flags & abi::AtFlags::kRemovedir) != 0 ? AT_REMOVEDIR : 0;
    if (::unlinkat(file_of(directory), last.c_str(), host) != 0) return last_error();
    return {};
}

}  // namespace halfcell::server
