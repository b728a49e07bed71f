#pragma once

// A host directory that paths cannot leave. Every step is made by openat2 with BENEATH, NO_MAGICLINKS and
// NO_SYMLINKS: the host never follows a link for us, so whatever is renamed or replaced meanwhile, an open
// ends below the root or fails. Links are read as text and handed back (see README.md).

#include <fcntl.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "kernel_shim/base/result.h"
#include "kernel_shim/host/unique_fd.h"
#include "schemes/file/volume.h"

namespace halfcell::file {

// A name in an open directory: what calls that create, rename and remove need.
struct HostPlace {
    host::UniqueFd directory;  // O_PATH
    std::string name;
};

// Immutable; safe from any thread. Paths are canonical and relative to the root; they hold no "..".
class PathJail {
  public:
    // `host_path` is a directory, or one file (then "" is the only path inside). Links in it are followed
    // now, once. Errors of open(2).
    static Result<PathJail> create(const std::string& host_path);

    // Opens `path` with Linux flags (O_CLOEXEC and O_NOCTTY are added). ELOOP where any component is a link,
    // but for the last one with O_PATH|O_NOFOLLOW. Other errors of openat2(2).
    [[nodiscard]] Result<host::UniqueFd> open(std::string_view path, int flags, mode_t mode = 0) const;

    // The directory and last name of a path. ELOOP where a directory in it is a link; EBUSY for the root.
    [[nodiscard]] Result<HostPlace> place(std::string_view path) const;

    // The first link in `path`; the last component counts only with kFollow. Nothing where there is none
    // (any more). Errors of openat2(2).
    enum class LastLink : std::uint8_t { kFollow, kKeep };
    [[nodiscard]] Result<std::optional<LinkFound>> first_link(std::string_view path, LastLink last) const;

  private:
    PathJail(host::UniqueFd root, std::string only_name)
        : root_(std::move(root)), only_name_(std::move(only_name)) {}

    host::UniqueFd root_;    // O_PATH directory
    std::string only_name_;  // of the file that is the whole jail; empty for a directory
};

// The text of the link that `link` (O_PATH|O_NOFOLLOW) shows. EINVAL where it is none.
Result<std::string> read_link(int link);

}  // namespace halfcell::file
