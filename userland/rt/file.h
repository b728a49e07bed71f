#pragma once

// Files by path, as relibc's calls do it: a path becomes an open on the namespace or the working directory,
// and the operation happens on the descriptor. Every function blocks as long as the scheme does. Source:
// relibc:src/platform/redox/mod.rs, libredox.rs, path.rs.

#include <cstdint>
#include <string>
#include <string_view>

#include "userland/rt/syscall.h"

namespace halfcell::userland {

enum class FollowLinks { kYes, kNo };

// flags: abi::OpenFlags; mode: permission bits before the umask. Follows links that leave a scheme (EXDEV),
// at most 63 of them (ELOOP). The empty path is ENOENT.
Result<UniqueFd> open_file(std::string_view path, std::uint64_t flags, std::uint16_t mode = 0666);

Result<abi::Stat> stat_file(std::string_view path, FollowLinks follow = FollowLinks::kYes);
Result<abi::StatVfs> stat_file_system(std::string_view path);

// Mode is used as given; the umask is the caller's business.
Result<void> make_directory(std::string_view path, std::uint16_t mode);
Result<void> remove_file(std::string_view path);
Result<void> remove_directory(std::string_view path);
// Replaces an existing target. EXDEV where the two are in different schemes.
Result<void> rename_file(std::string_view from, std::string_view to);
Result<void> make_hard_link(std::string_view from, std::string_view to);
Result<void> make_symbolic_link(std::string_view target, std::string_view path);
Result<std::string> read_symbolic_link(std::string_view path);
Result<void> change_mode(std::string_view path, std::uint16_t mode);
Result<void> set_file_times(std::string_view path, const abi::TimeSpec& access,
                            const abi::TimeSpec& modification, FollowLinks follow = FollowLinks::kYes);

// The canonical absolute path of an existing file with links resolved.
Result<std::string> real_path(std::string_view path);

// The type bits of a Stat.
inline bool is_directory(const abi::Stat& stat) {
    return (stat.st_mode & abi::Mode::kType) == abi::Mode::kDir;
}
inline bool is_regular(const abi::Stat& stat) {
    return (stat.st_mode & abi::Mode::kType) == abi::Mode::kFile;
}
inline bool is_symbolic_link(const abi::Stat& stat) {
    return (stat.st_mode & abi::Mode::kType) == abi::Mode::kSymlink;
}
inline bool same_file(const abi::Stat& a, const abi::Stat& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

}  // namespace halfcell::userland
