#pragma once

// Processes and threads by descriptor: no pid is ever reused under our hands.

#include <sys/types.h>

#include "kernel_shim/base/result.h"
#include "kernel_shim/host/unique_fd.h"

namespace halfcell::host {

// A descriptor of a process; readable once the process and all its threads have ended. ESRCH, EMFILE, ENFILE.
Result<UniqueFd> open_process(pid_t process);

// A descriptor of one thread (Linux 6.9). ESRCH; EINVAL where the host is older.
Result<UniqueFd> open_thread(pid_t thread);

// A duplicate of descriptor `number` in the table of a process or thread. EBADF when it has none of that
// number (yet), ESRCH when it is gone, EPERM when yama or another guard forbids it.
Result<UniqueFd> take_descriptor(int process, int number);

// Sends a signal to a process. ESRCH when it has been reaped.
Result<void> send_signal(int process, int signal);

// Sends a signal to one thread of a process. ESRCH when either is gone.
Result<void> send_thread_signal(pid_t process, pid_t thread, int signal);

// Reaps a child if it has ended. ECHILD when it is not ours (or was reaped elsewhere). Does not block.
struct ChildState {
    bool ended = false;
    int status = 0;  // its exit code, or the signal that killed it
};
Result<ChildState> reap(int process);

// Whether a child has ended and waits to be reaped, or is no child of ours any more. Does not block.
bool has_ended(int process);

// Whether a process is on its way out, or out: it may be before its parent can reap it, but not before its
// descriptors are closed. Does not block.
bool is_ending(pid_t process);

// Kills a child and waits for its end. Its status as wait(2) has it: its own where it had ended before.
// Blocks for as long as the host takes to tear it down.
int kill_and_reap(pid_t process);

// Makes a child the leader, and for now the only member, of a process group of its own number. False when it
// is gone.
bool lead_group(pid_t process);

// Kills the group a child leads. Call it before that child is reaped, so that the number is still its own.
void kill_group(pid_t leader);

// Reaps what is left of a group that has been killed: children nobody else knows of. Blocks until they have
// ended.
void reap_group(pid_t leader);

}  // namespace halfcell::host
