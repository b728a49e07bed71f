#pragma once

// What the doctor found about one feature of the host.

#include <string>
#include <vector>

namespace halfcell::doctor {

enum class Verdict {
    kOk,
    kLimited,  // halfcell runs; something is slower or absent
    kMissing,  // halfcell cannot run
};

struct Finding {
    std::string feature;
    Verdict verdict = Verdict::kOk;
    std::string tried;   // what was done, and what came of it
    int host_error = 0;  // Linux errno of the failing step, 0 where none failed
    std::string advice;  // what to do; empty when all is well
};

using Findings = std::vector<Finding>;

}  // namespace halfcell::doctor
