#pragma once

// Processes of this process: waiting for them, and the groups and terminals they belong to.
// Source: relibc:src/platform/redox/mod.rs, relibc:src/header/termios.

#include <cstdint>

#include "abi/proc_call.h"
#include "userland/rt/syscall.h"

namespace halfcell::userland {

// The process manager's knowledge of this process: ids of the process, its group, its parent, its user.
Result<abi::ProcMeta> process_identity();

struct ChildNews {
    std::uint32_t pid = 0;  // 0: nothing yet, with WaitFlags::kNohang
    std::int32_t status = 0;
};

// Waits for news of a child, 0 being any. Blocks until there is some, unless `flags` (abi::WaitFlags) has
// kNohang. ECHILD; EINTR after a signal, also under SignalsHeld.
Result<ChildNews> wait_for_child(std::uint32_t pid, std::uint64_t flags);

// The exit status a shell gives: the code, or 128 and the signal that ended or stopped the child.
int exit_status_of(std::int32_t status);

// Puts a process (0: this one) into a group (0: one of its own). EPERM, ESRCH, EACCES.
Result<void> set_process_group(std::uint32_t pid, std::uint32_t group);
Result<void> start_session();

// The group a terminal sends its signals to. EINVAL where the descriptor is no terminal.
Result<std::uint32_t> foreground_group(Fd terminal);
Result<void> set_foreground_group(Fd terminal, std::uint32_t group);

// Both ends are closed by exec.
struct Pipe {
    UniqueFd reader;
    UniqueFd writer;
};
Result<Pipe> make_pipe();

}  // namespace halfcell::userland
