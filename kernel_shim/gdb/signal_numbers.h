#pragma once

// gdb has signal numbers of its own, the same for every system. Source: gdb's include/gdb/signals.def.

#include <cstdint>

namespace halfcell::gdb {

// What gdb shows for a signal it has no number for.
inline constexpr std::uint32_t kUnknownSignal = 143;
inline constexpr std::uint32_t kGdbTrap = 5;
inline constexpr std::uint32_t kGdbInterrupt = 2;

// Redox's number (abi::Signal) in gdb's terms; 0 stays 0, what gdb does not have is kUnknownSignal.
[[nodiscard]] std::uint32_t to_gdb_signal(std::uint32_t signal);
// And back; 0 for 0 and for what Redox does not have.
[[nodiscard]] std::uint32_t from_gdb_signal(std::uint32_t number);

}  // namespace halfcell::gdb
