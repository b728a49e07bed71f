#pragma once

// The version that the control socket tells, and the command line.

#include <string>

namespace halfcell::control {

inline constexpr int kMajorVersion = 0;
inline constexpr int kMinorVersion = 1;
// "0.1".
inline std::string version() {
    return std::to_string(kMajorVersion) + "." + std::to_string(kMinorVersion);
}

}  // namespace halfcell::control
