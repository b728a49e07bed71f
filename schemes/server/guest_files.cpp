#include <algorithm>
#include <utility>

#include "abi/flags.h"
#include "schemes/server/files.h"
#include "userland/rt/directory.h"
#include "userland/rt/file.h"

namespace halfcell::server {

using abi::Errno;
using userland::checked_syscall;
using userland::EntryKind;
using userland::Fd;
using userland::Result;
using userland::word;

namespace {

// The flags that are stored with the description count.
constexpr std::uint64_t kStoredFlags = UINT64_MAX;

Fd fd_of(const Descriptor& descriptor) {
    return Fd{descriptor.number()};
}

abi::DirentKind kind_of(EntryKind kind) {
    switch (kind) {
        case EntryKind::kDirectory:
            return abi::DirentKind::kDirectory;
        case EntryKind::kRegular:
            return abi::DirentKind::kRegular;
        case EntryKind::kSymbolicLink:
            return abi::DirentKind::kSymlink;
        case EntryKind::kUnknown:
        case EntryKind::kOther:
            break;
    }
    return abi::DirentKind::kUnspecified;
}

// The path of a name in a directory; EACCES where a part of it is "..".
Result<std::string> inside(const std::string& directory, std::string_view name) {
    for (std::size_t begin = 0; begin <= name.size();) {
        const std::size_t end = std::min(name.find('/', begin), name.size());
        if (name.substr(begin, end - begin) == "..") return Errno::kEACCES;
        begin = end + 1;
    }
    if (name.empty()) return directory;
    return directory + "/" + std::string(name);
}

}  // namespace

Result<std::uint64_t> File::read(std::span<std::byte> to, std::uint64_t offset) const {
    return checked_syscall(abi::SYS_READ2, descriptor_.number(), word(to.data()), to.size(), offset,
                           kStoredFlags);
}

Result<std::uint64_t> File::write(std::span<const std::byte> from, std::uint64_t offset) const {
    return checked_syscall(abi::SYS_WRITE2, descriptor_.number(), word(from.data()), from.size(), offset,
                           kStoredFlags);
}

Result<abi::Stat> File::status() const {
    return userland::sys_fstat(fd_of(descriptor_));
}

Result<void> File::truncate(std::uint64_t size) const {
    return userland::sys_ftruncate(fd_of(descriptor_), size);
}

Result<std::vector<File::Entry>> File::entries() const {
    std::vector<Entry> entries;
    for (userland::DirectoryEntry& entry : RT_TRY(userland::read_directory(fd_of(descriptor_))))
        entries.push_back({std::move(entry.name), kind_of(entry.kind)});
    return entries;
}

Result<Directory> Directory::open(std::string_view path) {
    RT_TRY(userland::stat_file(path));
    return Directory({}, std::string(path));
}

Result<File> Directory::open_file(std::string_view name, std::uint64_t flags) const {
    constexpr std::uint64_t kModeBits = 0xffff;
    const std::string path = RT_TRY(inside(path_, name));
    userland::UniqueFd fd =
        RT_TRY(userland::open_file(path, flags & ~kModeBits, static_cast<std::uint16_t>(flags & kModeBits)));
    return File(Descriptor(word(fd.release())));
}

Result<void> Directory::remove(std::string_view name, std::uint64_t flags) const {
    const std::string path = RT_TRY(inside(path_, name));
    return (flags & abi::AtFlags::kRemovedir) != 0 ? userland::remove_directory(path)
                                                   : userland::remove_file(path);
}

}  // namespace halfcell::server
