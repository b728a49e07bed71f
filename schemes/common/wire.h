#pragma once

// How the kernel schemes answer: structs, paths, POSITIONED text.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>

#include "abi/data.h"
#include "abi/flags.h"
#include "kernel_shim/base/result.h"
#include "kernel_shim/mem/user_slice.h"

namespace halfcell::schemes {

// Stat with nothing but a mode and a size, as upstream's `..Default::default()`. EINVAL when `to` is shorter
// than a Stat, EFAULT.
inline Result<void> reply_stat(const mem::UserOut& to, std::uint16_t mode, std::uint64_t size = 0) {
    abi::Stat stat{};
    stat.st_mode = mode;
    stat.st_size = size;
    return to.write_exact(stat);
}

// What a read at `offset` of a file with this text gives: the common bytes, 0 past the end. EFAULT.
inline Result<std::uint64_t> reply_text(const mem::UserOut& to, std::string_view text, std::uint64_t offset) {
    return to.write_common(text.substr(std::min<std::uint64_t>(offset, text.size())));
}

// `path` without the slashes it begins with.
inline std::string_view without_leading_slashes(std::string_view path) {
    path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
    return path;
}

// As Rust parses an unsigned number: decimal digits, a plus sign before them if need be; nullopt for all else
// and for what 64 bits do not hold.
std::optional<std::uint64_t> parse_decimal(std::string_view text);

}  // namespace halfcell::schemes
