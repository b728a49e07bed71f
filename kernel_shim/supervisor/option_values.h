#pragma once

// What the values of options say. Where a function returns text, it is what is wrong, or empty.

#include <string>
#include <vector>

#include "kernel_shim/supervisor/options.h"

namespace halfcell::supervisor {

// From where this process stands, without "." and "..", and without a slash at the end.
[[nodiscard]] std::string absolute_on_host(const std::string& path);

// HOST, HOST:GUEST or HOST:GUEST:ro; the host part may not contain a colon. A host path alone is shown where
// its absolute form says.
[[nodiscard]] std::string parse_bind(const std::string& text, Bind& bind);

// NAME=unix:PATH or NAME=COMMAND…, whose words are split as a shell would.
[[nodiscard]] std::string parse_host_scheme(const std::string& text, HostScheme& scheme);

// NAME=VALUE as it is; NAME, or PREFIX*, as this process's environment has them, if it does. Anything else
// that it does not have is taken for a mistake.
[[nodiscard]] std::string add_environment(const std::string& text, std::vector<std::string>& environment);

}  // namespace halfcell::supervisor
