#pragma once

// `halfcell check`: can this machine run halfcell, and what to do if not.

#include <string>

#include "kernel_shim/doctor/finding.h"

namespace halfcell::doctor {

struct CheckOptions {
    bool json = false;
    bool colour = false;
};

// All probes. Call it on the main thread, before other threads exist.
[[nodiscard]] Findings examine();

// One line a finding, and a last line that sums up; or one JSON object.
[[nodiscard]] std::string render(const Findings& findings, const CheckOptions& options);

// Examines and prints to standard output. 0 when halfcell can run here, else 1.
int run_check_command(const CheckOptions& options);

}  // namespace halfcell::doctor
