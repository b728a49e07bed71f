#include "kernel_shim/doctor/finding.h"

#include <utility>

namespace halfcell::doctor {

Finding judge(Attempt attempt, int host_error) {
    Finding finding{
        .feature = std::move(attempt.feature), .tried = std::move(attempt.worked), .host_error = host_error};
    if (host_error == 0) return finding;
    finding.verdict = attempt.without;
    if (!attempt.failed.empty()) finding.tried = std::move(attempt.failed);
    finding.advice = std::move(attempt.advice);
    return finding;
}

}  // namespace halfcell::doctor
