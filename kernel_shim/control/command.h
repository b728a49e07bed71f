#pragma once

// The commands of the control socket: their names, and what a line says.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "kernel_shim/base/result.h"

namespace halfcell::control {

// A line with its newline; a longer one ends its connection.
inline constexpr std::size_t kLongestLine = 4096;

enum class Verb : std::uint8_t {
    kBlocked,
    kContinue,
    kDescriptors,
    kDebug,
    kHelp,
    kKill,
    kLock,
    kMaps,
    kPing,
    kPrompt,
    kProcesses,
    kQuit,
    kSchemes,
    kStat,
    kStats,
    kStop,
    kTail,
    kTrace,
    kVersion,
};

struct CommandRow {
    Verb verb;
    std::string_view name;
    std::string_view arguments;  // as help shows them
    std::string_view meaning;
};

// By name. Constant data.
[[nodiscard]] std::span<const CommandRow> command_rows();

// A line, read. Nothing of it is an address, a descriptor, or a path of ours.
struct Request {
    Verb verb{};
    std::uint32_t pid = 0;    // where the command takes one
    std::uint64_t count = 0;  // tail: how many lines at most
    std::string text;         // prompt: n, i, p or nothing; trace: on, off or a filter; gdb: where to listen
};

// What is wrong with a line, for its sender.
struct Complaint {
    Errno error;
    std::string message;
};

// Reads a line without its newline: a name, and arguments between blanks. ENOSYS (no such command), EINVAL.
// Never blocks.
[[nodiscard]] Expected<Request, Complaint> parse_command(std::string_view line);

// {"err":13,"msg":"AUTH"} and a newline.
[[nodiscard]] std::string error_line(Errno error, std::string_view message);
// {"err":0,"msg":"ACK"} and a newline.
[[nodiscard]] std::string success_line(std::string_view message = "ACK");

}  // namespace halfcell::control
