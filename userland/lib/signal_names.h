#pragma once

// Signals by name, as kill, trap and timeout write them. Pure; tested on the host.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace halfcell::userland {

// "INT", "SIGINT", "int" or "2"; 0 and the real-time signals by number or as RTMIN+1.
std::optional<std::uint32_t> signal_number(std::string_view text);

// Without "SIG"; the number for one without a name.
std::string signal_name(std::uint32_t signal);

// As a shell reports the end of a job: "Killed", "Segmentation fault".
std::string signal_description(std::uint32_t signal);

}  // namespace halfcell::userland
