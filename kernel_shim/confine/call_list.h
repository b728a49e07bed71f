#pragma once

// The calls of Linux that the supervisor makes once guests run. Everything else ends it.

#include <array>
#include <cstdint>
#include <span>

namespace halfcell::confine {

// Which parts of a run need a call.
using Parts = std::uint32_t;
namespace part {
inline constexpr Parts kEngine = 1 << 0;    // every run
inline constexpr Parts kFiles = 1 << 1;     // directories of the host are shown
inline constexpr Parts kServers = 1 << 2;   // programs of the host serve schemes
inline constexpr Parts kTerminal = 1 << 3;  // the guest has a terminal
inline constexpr Parts kVisitors = 1 << 4;  // people come in by the control socket, or with gdb
}  // namespace part

// What one argument must be: its bits under `mask` are `value`. `index` -1: nothing is asked.
struct ArgumentCheck {
    int index = -1;
    std::uint64_t mask = ~std::uint64_t{0};
    std::uint64_t value = 0;
};

// A call that is allowed where all checks hold. Several rows of a number are alternatives.
struct AllowedCall {
    int number;
    Parts parts;
    std::array<ArgumentCheck, 3> checks{};
};

// The rows for a run with these parts. `own` is this process, which some rows name.
struct CallerIdentity {
    std::uint64_t process;
};
[[nodiscard]] std::span<const AllowedCall> allowed_calls(const CallerIdentity& own);

// The rows for the thread that gets workers out of calls (wait/interrupter.h): it waits, sends one signal to
// threads of this process, asks whether guests still wait, and ends.
[[nodiscard]] std::span<const AllowedCall> interrupter_calls(const CallerIdentity& own, int signal);

// The rows for the thread of the control socket (control/server.h): it waits for its connections, accepts,
// reads, writes and closes them, has memory, and ends.
[[nodiscard]] std::span<const AllowedCall> control_calls();

}  // namespace halfcell::confine
