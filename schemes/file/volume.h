#pragma once

// What the file scheme is made of: volumes hold trees, nodes are what was opened in them. The scheme does the
// paths, the handles and the rights of handles; a volume does what is on its disk.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "abi/data.h"
#include "abi/dirent.h"
#include "kernel_shim/base/result.h"
#include "kernel_shim/machine/memory_object.h"
#include "kernel_shim/mem/user_slice.h"

namespace halfcell::file {

// Who asks, for volumes that check permissions themselves.
struct Identity {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
};

// kSocket: a name for a socket that lives elsewhere; nothing can be read from it or written to it.
enum class NodeKind : std::uint8_t { kFile, kDirectory, kSymlink, kSocket, kOther };

// One file whatever it is called: what record locks are kept by.
struct FileKey {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    friend auto operator<=>(const FileKey&, const FileKey&) = default;
};

struct DirectoryEntry {
    std::uint64_t inode = 0;
    abi::DirentKind kind = abi::DirentKind::kUnspecified;
    std::string name;
};

enum class WriteAt : std::uint8_t { kOffset, kEnd };
enum class Durability : std::uint8_t { kCached, kOnDisk };

// Nanoseconds with a meaning of their own. Source: relibc, as they arrive in SYS_FUTIMENS.
inline constexpr std::int32_t kUtimeNow = (1 << 30) - 1;
inline constexpr std::int32_t kUtimeOmit = (1 << 30) - 2;

// An open file, directory or link. Every operation may be called from many threads at once and blocks for
// host I/O at most. The access mode of a handle is checked by the scheme; a node is only asked to do what it
// was opened for. The errors of the volume's medium (EIO, ENOSPC, EDQUOT, EROFS…) come on top.
class Node {
  public:
    Node() = default;
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    virtual ~Node() = default;

    [[nodiscard]] virtual NodeKind kind() const = 0;  // immutable
    [[nodiscard]] virtual Result<FileKey> key() const = 0;

    // st_dev is 0, st_blksize 512 and st_blocks counts 512 bytes, as redoxfs has them.
    [[nodiscard]] virtual Result<abi::Stat> stat() const = 0;
    // In blocks of 4096 bytes.
    [[nodiscard]] virtual Result<abi::StatVfs> statvfs() const = 0;

    // Bytes of a file, or the target of a link. A read past the end gives 0; a write may be short. EFAULT.
    virtual Result<std::uint64_t> read(std::uint64_t offset, const mem::UserOut& to) = 0;
    virtual Result<std::uint64_t> write(std::uint64_t offset, WriteAt where, Durability durability,
                                        const mem::UserIn& from) = 0;
    virtual Result<void> truncate(std::uint64_t size) = 0;
    virtual Result<void> sync() = 0;

    // EPERM where the caller neither owns the node nor is root.
    virtual Result<void> chmod(Identity caller, std::uint16_t mode) = 0;
    // An id of UINT32_MAX keeps what is there.
    virtual Result<void> chown(Identity caller, std::uint32_t uid, std::uint32_t gid) = 0;
    // Nanoseconds are a number below 1e9, kUtimeNow or kUtimeOmit.
    virtual Result<void> set_times(Identity caller, const abi::TimeSpec& access,
                                   const abi::TimeSpec& modification) = 0;

    // Everything in a directory but "." and "..", in any order, as it is now.
    virtual Result<std::vector<DirectoryEntry>> entries() = 0;

    // The file as memory that stays coherent with reads and writes: `size` bytes from `offset`, both in whole
    // pages. `writable`: stores may come.
    virtual Result<machine::MemoryRef> shared_memory(std::uint64_t offset, std::uint64_t size,
                                                     bool writable) = 0;
};

using NodeRef = std::shared_ptr<Node>;

// A path met a symbolic link that has to be followed. Volumes never follow one: the scheme decides whether
// the target is in this volume, another one, or another scheme.
struct LinkFound {
    std::string link;    // the link's own path in the volume; nothing in it is a link
    std::string target;  // its text
    std::string rest;    // what the path says behind it; empty where the link was the last component
};

template <typename T>
using Reached = std::variant<T, LinkFound>;
// Reached<Done> where there is nothing to hand out.
struct Done {};

struct OpenRequest {
    std::uint64_t flags = 0;  // abi::OpenFlags, the mode of a new node in the low 12 bits
    Identity caller;

    [[nodiscard]] bool has(std::uint64_t flag) const { return (flags & flag) == flag; }
    [[nodiscard]] bool wants_read() const { return has(abi::OpenFlags::kRdonly); }
    [[nodiscard]] bool wants_write() const { return has(abi::OpenFlags::kWronly); }
    [[nodiscard]] std::uint16_t mode() const { return flags & abi::Mode::kPerm; }
    // Whether a link at the end of the path is what is meant. O_NOFOLLOW alone does not say so.
    // Source: redoxfs:src/mount/redox/scheme.rs.
    [[nodiscard]] bool means_link() const {
        return has(abi::OpenFlags::kSymlink) || has(abi::OpenFlags::kStat | abi::OpenFlags::kNofollow);
    }
};

// A tree. Paths are relative to its root, canonical (see scheme::resolve_reference), free of NUL; "" is the
// root itself. Any thread; blocks for host I/O at most.
class Volume {
  public:
    Volume() = default;
    Volume(const Volume&) = delete;
    Volume& operator=(const Volume&) = delete;
    virtual ~Volume() = default;

    // The table of userland-contract.md 3.6: ENOENT, ENOTDIR, EACCES, EEXIST, EISDIR, EINVAL, EROFS.
    virtual Result<Reached<NodeRef>> open(std::string_view path, const OpenRequest& request) = 0;
    // Makes a node of kind kSocket with mode 0777, and opens it. EEXIST, ENOENT, ENOTDIR, EACCES, EROFS.
    virtual Result<Reached<NodeRef>> make_socket(std::string_view path, Identity caller) = 0;
    // EISDIR for a directory with kFile; ENOTDIR and ENOTEMPTY with kDirectory; EBUSY for the root.
    enum class Remove : std::uint8_t { kFile, kDirectory };
    virtual Result<Reached<Done>> unlink(std::string_view path, Remove what, Identity caller) = 0;
    // Gives `node`, opened at `from`, another name, replacing what has it. ENOENT where `from` no longer
    // leads to that node.
    virtual Result<Reached<Done>> rename(const Node& node, std::string_view from, std::string_view to,
                                         Identity caller) = 0;
    // Gives it one more. EEXIST; EPERM for a directory.
    virtual Result<Reached<Done>> link(const Node& node, std::string_view from, std::string_view to,
                                       Identity caller) = 0;
};

}  // namespace halfcell::file
