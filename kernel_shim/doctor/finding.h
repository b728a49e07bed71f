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

// What is said of something that either works or does not.
struct Attempt {
    std::string feature;
    std::string worked;                   // what was done, where it worked
    std::string failed;                   // ... and where not; empty: the same
    std::string advice;                   // where not
    Verdict without = Verdict::kMissing;  // what halfcell is where not
};
// `host_error`: what came of it, 0 where it worked. Pure.
[[nodiscard]] Finding judge(Attempt attempt, int host_error);

}  // namespace halfcell::doctor
