#pragma once

// The probes: each uses a feature the way halfcell does and reports what happened. Where a probe could change
// the process (filters, limits, credentials), it works in a fork. None needs privileges. Each blocks for some
// milliseconds at most, a few seconds where the host misbehaves.

#include <string>

#include "kernel_shim/doctor/finding.h"

namespace halfcell::doctor {

// seccomp: notifications, their flags, listeners of a sandbox around us. Appends to `findings`.
void probe_seccomp(Findings& findings);

// Processes: descriptors of threads, taking descriptors, death with the parent, limits.
void probe_processes(Findings& findings);

// Memory, files, processor.
void probe_host(Findings& findings);

// Whether this release of Linux and its scheduling of sessions as groups (autogroup) go together. Pure.
Finding scheduling_groups(bool enabled, const std::string& release);

// What a supervisor gives up once it is set up: files, calls, privileges.
void probe_confinement(Findings& findings);

// A guest of four instructions, from the zygote to its first call.
void probe_engine(Findings& findings);

}  // namespace halfcell::doctor
