#pragma once

// The scheme whose server does as little as a server can, for what measures schemes.

#include <string_view>

namespace halfcell::userland {

// A file of it.
inline constexpr std::string_view kSpeedFile = "/scheme/speed/x";

// Runs `speedscheme` where nobody serves that file yet, and waits until it does. Gives up with status 1 where
// it does not start.
void start_speed_server_unless_there();

}  // namespace halfcell::userland
