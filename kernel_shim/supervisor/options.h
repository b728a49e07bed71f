#pragma once

// The command line: the commands, and what their options say.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "kernel_shim/confine/violation.h"

namespace halfcell::supervisor {

// Exit statuses of halfcell itself, as env(1) uses them.
inline constexpr int kExitOwnFailure = 125;
inline constexpr int kExitCannotRun = 126;
inline constexpr int kExitNotFound = 127;

// HOST directory or file shown at GUEST path, maybe read-only.
struct Bind {
    std::string host;
    std::string guest;
    bool read_only = false;
};

// A scheme that a program of the host serves: started with these words, or found listening at a path.
struct HostScheme {
    std::string name;
    std::vector<std::string> command;
    std::string socket;
};

struct TraceOptions {
    bool enabled = false;
    std::string file;  // empty: standard error
    bool json = false;
    std::vector<std::string> filters;
};

// The control socket; none without `where`.
struct ControlOptions {
    std::string where;  // PATH or @NAME
    std::optional<std::uint32_t> user;
    std::optional<std::uint32_t> group;
};

// What surrounds a program: shared by run, trace and boot.
struct WorldOptions {
    std::string command;  // run, trace, gdb or boot: who speaks to the user
    std::string root;     // empty: an in-memory root
    bool read_only = false;
    std::vector<Bind> binds;
    std::vector<std::string> schemes;  // names or NAME*; empty: all that there are
    std::vector<HostScheme> host_schemes;
    std::vector<std::string> environment;  // NAME=VALUE
    std::string working_directory = "/";
    std::uint64_t memory_limit = UINT64_MAX;  // bytes
    std::uint64_t context_limit = UINT64_MAX;
    TraceOptions trace;
    ControlOptions control;
    bool debugged = false;  // gdb is let in to the program before it starts
    // The program, where it is a file of the host.
    std::string host_program;
    // Whether the supervisor gives up what it does not need, and may leave a picture of its memory behind.
    bool confined = true;
    bool core_dumps = false;
    confine::OnViolation on_violation = confine::OnViolation::kKill;
    // Whether a program gets a terminal of its own where halfcell stands on one.
    bool terminal = false;
};

struct RunCommand {
    WorldOptions world;
    std::vector<std::string> program;  // name, then arguments
};
// A program that starts stopped for gdb.
struct GdbCommand {
    WorldOptions world;
    std::vector<std::string> program;  // name, then arguments
    std::string listen;  // unix:PATH or 127.0.0.1:PORT; empty: a socket in a directory of its own
};
struct BootCommand {
    WorldOptions world;
    std::string image;
    std::uint64_t base = 0x1000;
};
struct CheckCommand {
    bool json = false;
};
struct AbiCommand {
    bool json = false;
    std::string compare_with;
};
struct BenchCommand {
    bool json = false;
    std::string filter;
    unsigned repetitions = 7;
};
struct ConformCommand {
    std::vector<std::string> words;
    bool list = false;
    bool json = false;
    bool verbose = false;
    std::string junit_file;
};
struct CtlCommand {
    std::string where;
    std::vector<std::string> words;  // none: interactive, or lines of standard input
    bool json = false;
};
struct CompatCommand {};
// Parsing ended the program (help, version, or a mistake that has been reported).
struct Finished {
    int status = 0;
};

using Command = std::variant<RunCommand, GdbCommand, BootCommand, CheckCommand, AbiCommand, BenchCommand,
                             ConformCommand, CtlCommand, CompatCommand, Finished>;

// Reads the command line; reports mistakes and help itself.
Command parse_command_line(int argc, char** argv);

}  // namespace halfcell::supervisor
