#pragma once

// What a program is given at start, and how it ends. Source: relibc:src/start.rs, spec of auxv:
// relibc:redox-rt.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "userland/rt/syscall.h"

namespace halfcell::userland {

struct Process {
    std::span<const std::string_view> arguments;    // argv without argv[0]
    std::span<const std::string_view> environment;  // NAME=VALUE
    std::string_view program_path;                  // argv[0]
    std::string working_directory;                  // absolute and canonical
    Fd thread = Fd::kNone;
    Fd process = Fd::kNone;
    Fd name_space = Fd::kNone;
    Fd directory = Fd::kNone;  // The working directory, for relative opens.
    std::uint16_t umask = 022;
};

// Set before main_program runs. Changed by the calls below and by a fork in the child only.
const Process& process();

// Makes a directory the working directory. ENOTDIR for anything else. Source:
// relibc:src/platform/redox/path.rs.
Result<void> change_directory(std::string_view path);

// Sets the mask of permission bits that new files do not get.
void set_umask(std::uint16_t mask);

// Value of an environment variable, or an empty view with null data where it is unset.
std::string_view environment_variable(std::string_view name);

// Ends the process at once, without flushing. Status is taken modulo 256.
[[noreturn]] void exit_now(int status);

// Flushes standard output, then ends the process; a failed flush turns status 0 into 1.
[[noreturn]] void exit_program(int status);

// The program: each one defines this. Its result is the exit status.
int main_program(std::span<const std::string_view> arguments);

}  // namespace halfcell::userland
