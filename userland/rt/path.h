#pragma once

// Paths as text: what libc does before a path reaches a scheme. Pure; tested on the host.
// Source: relibc:src/platform/redox/path.rs, redox-path.

#include <string>
#include <string_view>

namespace halfcell::userland {

// Whether libc takes a path as absolute: it starts with '/' or its first component is "scheme:…".
bool is_absolute_path(std::string_view path);

// The absolute, canonical form: "." "//" and ".." are resolved by text alone, ".." stops at the root (of the
// file scheme, or of "/scheme/NAME"). `directory` must be absolute. A "scheme:rest" path becomes
// "/scheme/scheme/rest".
std::string canonical_path(std::string_view directory, std::string_view path);

// A relative path without "." and empty components, with ".." only in front. "" stands for the directory
// itself.
std::string relative_reference(std::string_view path);

// A canonical path as the namespace wants it: "/x" becomes "/scheme/file/x", "/scheme/…" stays.
std::string scheme_path(std::string_view canonical);

// The last component, without trailing slashes; "/" for the root. As basename(1).
std::string_view base_name(std::string_view path);

// All before the last component; "." or "/" where there is nothing. As dirname(1).
std::string_view directory_name(std::string_view path);

// DIRECTORY/NAME with exactly one slash between.
std::string join_path(std::string_view directory, std::string_view name);

}  // namespace halfcell::userland
