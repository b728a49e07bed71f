#pragma once

// The two spellings of an absolute Redox path and what they name. Also the lexical arithmetic that schemes
// with a tree use for references. Nothing here touches a file. Source: crate redox-path 0.2.0, as used by
// kernel:src/syscall/fs.rs and base:bootstrap/src/initnsmgr.rs.

#include <string>
#include <string_view>

#include "kernel_shim/base/result.h"

namespace halfcell::scheme {

// Where an absolute path leads. Views into the text that was parsed.
struct RedoxPath {
    std::string_view scheme;     // empty for "/scheme", the list of schemes
    std::string_view reference;  // without a leading '/' unless the legacy form carried one
};

// "/scheme/NAME/REST" -> (NAME, REST) · "/scheme" -> ("", "") · "/x/y" -> ("file", "x/y") ·
// "NAME:REST" -> (NAME, REST). EINVAL for a relative path, for an absolute one with an empty, "." or ".."
// component (a trailing '/' counts as one; "/" alone is fine), and for a NUL anywhere.
Result<RedoxPath> parse_redox_path(std::string_view path);

// Whether a text names another scheme: "/scheme/NAME…", "/scheme", "NAME:…". What stands behind the first
// '/' of any other text is of no concern.
[[nodiscard]] bool names_a_scheme(std::string_view path);

// The canonical form of `reference` as seen from directory `base`, both relative to a scheme's root: no
// leading '/', no empty, "." or ".." component. ".." stops at the root, and a leading '/' starts there
// instead of at `base`. Purely lexical, as redoxfs does it.
// Source: redoxfs:src/mount/redox/scheme.rs, openat.
[[nodiscard]] std::string resolve_reference(std::string_view base, std::string_view reference);

// "a/b/c" -> ("a/b", "c"); "c" -> ("", "c"); "" -> ("", "").
struct SplitReference {
    std::string_view parent;
    std::string_view name;
};
[[nodiscard]] SplitReference split_reference(std::string_view reference);

}  // namespace halfcell::scheme
