#pragma once

// What becomes of a call that is not on the list.

namespace halfcell::confine {

enum class OnViolation {
    kKill,  // Linux ends the process by SIGSYS, and its audit log has the number
    kSay,   // the call is refused, named on standard error, and the process ends by SIGABRT
    kLog,   // the call is made; Linux's audit log has the number. For finding what a run needs.
};

// Names a refused call when the filter hands it back as SIGSYS, then aborts. For kSay; call it before the
// filter is installed. Never fails: where there is no handler, SIGSYS ends the process.
void name_refused_calls();

}  // namespace halfcell::confine
