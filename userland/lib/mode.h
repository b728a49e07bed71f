#pragma once

// Permission bits as text and as chmod's expressions. Pure; tested on the host.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace halfcell::userland {

// "drwxr-xr-x" of a st_mode.
std::string mode_text(std::uint16_t mode);

// The word stat prints: "regular file", "directory" …
std::string_view file_type_text(std::uint16_t mode, std::uint64_t size);

// Whether `expression` is a mode: octal digits, or clauses such as "u+rw,go-w,a=rX".
bool is_mode_expression(std::string_view expression);

// The permission bits `expression` makes of `mode`; nothing for an expression that is none. Where no class is
// named, bits of the umask are left alone.
std::optional<std::uint16_t> apply_mode(std::string_view expression, std::uint16_t mode, bool directory,
                                        std::uint16_t umask);

}  // namespace halfcell::userland
