#pragma once

// The version that the control socket tells, and the command line.

namespace halfcell::control {

inline constexpr int kMajorVersion = 0;
inline constexpr int kMinorVersion = 1;

}  // namespace halfcell::control
