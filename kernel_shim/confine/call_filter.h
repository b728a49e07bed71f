#pragma once

// The supervisor's seccomp filter, made from the list of calls. The only user of libseccomp.

#include "kernel_shim/base/result.h"
#include "kernel_shim/confine/call_list.h"
#include "kernel_shim/confine/violation.h"

namespace halfcell::confine {

// From now on every thread of this process makes the calls of these parts and no others. Processes it has
// made before stay as they are. Needs no_new_privs. EINVAL where a thread has a filter of its own already;
// else the host's error. Does not block.
Result<void> restrict_calls(Parts parts, OnViolation violation);

// From now on the calling thread makes these calls only, of those that the process may make. Threads it makes
// are like it. Needs no_new_privs. The host's errors. Does not block.
Result<void> restrict_this_thread(std::span<const AllowedCall> calls, OnViolation violation);

// Linux's name of a call, "?" where it has none. Lives for ever.
[[nodiscard]] const char* call_name(int number);

}  // namespace halfcell::confine
