#pragma once

// Files of somebody else's, for servers that forward: in a guest any scheme that serves files, in a Linux
// process a directory of the host. Every call blocks as long as that one does.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "abi/data.h"
#include "schemes/server/descriptor.h"
#include "userland/rt/result.h"

namespace halfcell::server {

class File {
  public:
    explicit File(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

    // At an offset; bytes moved. Errors of the file's scheme, or of the host.
    userland::Result<std::uint64_t> read(std::span<std::byte> to, std::uint64_t offset) const;
    userland::Result<std::uint64_t> write(std::span<const std::byte> from, std::uint64_t offset) const;
    [[nodiscard]] userland::Result<abi::Stat> status() const;
    userland::Result<void> truncate(std::uint64_t size) const;

    struct Entry {
        std::string name;
        abi::DirentKind kind = abi::DirentKind::kUnspecified;
    };
    // All but "." and "..", of a directory. ENOTDIR.
    [[nodiscard]] userland::Result<std::vector<Entry>> entries() const;

  private:
    Descriptor descriptor_;
};

// A place in a tree of files. Names in it are relative, and none leads out: EACCES for "..".
class Directory {
  public:
    static userland::Result<Directory> open(std::string_view path);

    // `flags`: abi::OpenFlags, the mode in the low 16 bits. "" is the directory itself.
    [[nodiscard]] userland::Result<File> open_file(std::string_view name, std::uint64_t flags) const;
    // `flags`: abi::AtFlags::kRemovedir.
    [[nodiscard]] userland::Result<void> remove(std::string_view name, std::uint64_t flags) const;

  private:
    Directory(Descriptor descriptor, std::string path)
        : descriptor_(std::move(descriptor)), path_(std::move(path)) {}
    Descriptor descriptor_;  // in a Linux process
    std::string path_;       // in a guest
};

}  // namespace halfcell::server
