#include "userland/rt/directory.h"

#include <algorithm>

#include "abi/dirent.h"
#include "userland/rt/file.h"

namespace halfcell::userland {
namespace {

constexpr std::size_t kFirstBuffer = 32 * 1024;
constexpr std::size_t kLargestBuffer = 4 * 1024 * 1024;

EntryKind entry_kind(std::uint8_t kind) {
    switch (static_cast<abi::DirentKind>(kind)) {
        case abi::DirentKind::kUnspecified:
            return EntryKind::kUnknown;
        case abi::DirentKind::kDirectory:
            return EntryKind::kDirectory;
        case abi::DirentKind::kRegular:
            return EntryKind::kRegular;
        case abi::DirentKind::kSymlink:
            return EntryKind::kSymbolicLink;
        default:
            return EntryKind::kOther;
    }
}

// Appends the records of one reply; EIO where a record does not fit into it. Returns the last opaque id.
Result<std::uint64_t> append_records(std::span<const std::byte> records,
                                     std::vector<DirectoryEntry>& entries) {
    abi::DirentReader reader(reinterpret_cast<const std::uint8_t*>(records.data()), records.size());
    std::uint64_t opaque = 0;
    for (;;) {
        abi::Dirent entry{};
        switch (reader.next(entry)) {
            case abi::DirentReader::Status::kEnd:
                return opaque;
            case abi::DirentReader::Status::kInvalid:
                return Errno::kEIO;
            case abi::DirentReader::Status::kEntry:
                break;
        }
        opaque = entry.header.next_opaque_id;
        const std::string_view name(entry.name, entry.name_length);
        if (name == "." || name == "..") continue;
        entries.push_back({std::string(name), entry.header.inode, entry_kind(entry.header.kind)});
    }
}

}  // namespace

Result<std::vector<DirectoryEntry>> read_directory(Fd directory) {
    std::vector<DirectoryEntry> entries;
    std::vector<std::byte> buffer(kFirstBuffer);
    std::uint64_t opaque = 0;
    for (;;) {
        const Result<std::size_t> size = sys_getdents(directory, buffer, opaque);
        if (!size && size.error() == Errno::kEINVAL && buffer.size() < kLargestBuffer) {
            // Kernel schemes want all that remains to fit into one reply.
            buffer.resize(buffer.size() * 4);
            continue;
        }
        if (!size) return size.error();
        if (*size == 0) return entries;
        opaque = RT_TRY(append_records(std::span(buffer).first(*size), entries));
    }
}

Result<std::vector<DirectoryEntry>> read_directory(std::string_view path) {
    const UniqueFd directory = RT_TRY(
        open_file(path, abi::OpenFlags::kRdonly | abi::OpenFlags::kDirectory | abi::OpenFlags::kCloexec));
    return read_directory(directory.fd());
}

Result<std::vector<DirectoryEntry>> read_directory_sorted(std::string_view path) {
    std::vector<DirectoryEntry> entries = RT_TRY(read_directory(path));
    std::sort(entries.begin(), entries.end(),
              [](const DirectoryEntry& a, const DirectoryEntry& b) { return a.name < b.name; });
    return entries;
}

}  // namespace halfcell::userland
