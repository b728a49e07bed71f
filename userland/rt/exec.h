#pragma once

// Becoming another program. Source: relibc:src/platform/redox/exec.rs execve, relibc:redox-rt/src/proc.rs
// fexec_impl.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "userland/rt/result.h"

namespace halfcell::userland {

// Runs the program at `path` in this process with argv and NAME=VALUE entries. Returns only where that fails:
// ENOENT, EACCES without execute permission, ENOEXEC for what is neither a program nor begins with "#!" and
// for a program made for Linux, E2BIG, ENOMEM. Descriptors with CLOEXEC are closed; ignored signals stay
// ignored, handled ones do not stay handled. Standard output should have been flushed. A failure past the
// point of no return ends the process with status 126.
Errno exec_program(std::string_view path, std::span<const std::string> arguments,
                   std::span<const std::string> environment);

// Whether a file is a program that was made for Linux, and what to say of it.
bool is_linux_program(std::string_view path);
inline constexpr std::string_view kLinuxProgram = "a Linux program; only programs made for Redox run here";

// Where a command is: the name itself when it has a slash, else the first file in the directories of `search`
// (as PATH) that may be executed. ENOENT; EACCES where there are only files that may not.
Result<std::string> find_program(std::string_view name, std::string_view search);

// The environment this program was started with, as exec_program takes it.
std::vector<std::string> inherited_environment();

// A child that runs a program found by `find_program` in this environment's PATH; its id. The child ends with
// 127 or 126 and a message where the program cannot run.
Result<std::uint32_t> spawn_program(std::span<const std::string> arguments,
                                    std::span<const std::string> environment);

// Replaces this process likewise; the status to end with where that fails, after a message.
int exec_or_explain(std::span<const std::string> arguments, std::span<const std::string> environment);

}  // namespace halfcell::userland
