#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "kernel_shim/confine/call_filter.h"
#include "kernel_shim/confine/landlock.h"
#include "kernel_shim/confine/privileges.h"
#include "kernel_shim/doctor/in_child.h"
#include "kernel_shim/doctor/probes.h"

namespace halfcell::doctor {

namespace {

// A process that may read /proc opens something else.
int keep_to_files() {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
    if (!confine::restrict_files({{"/proc", confine::FileRights::kRead}})) return EPROTO;
    const int shown = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    if (shown < 0) return errno;
    const int hidden = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return hidden >= 0 ? EPROTO : 0;
}

// Returns only where a call that is not on the list was made.
int keep_to_calls() {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
    if (!confine::restrict_calls(confine::part::kEngine, confine::OnViolation::kKill)) return EPROTO;
    (void)socket(AF_INET, SOCK_STREAM, 0);
    return EPROTO;
}

int keep_no_privileges() {
    if (!confine::give_up_privileges(confine::CoreDumps::kNever)) return EPERM;
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> held{};
    if (syscall(SYS_capget, &header, held.data()) != 0) return errno;
    const bool none = held[0].effective == 0 && held[1].effective == 0;
    const bool no_more = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
    return none && no_more && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : EPROTO;
}

Finding files() {
    const int version = confine::landlock_version();
    Finding finding{.feature = "confinement: files"};
    if (version == 0) {
        finding.verdict = Verdict::kLimited;
        finding.tried = "asking for Landlock";
        finding.host_error = ENOSYS;
        finding.advice =
            "the supervisor goes without this layer: taken over, it reaches your files and your processes "
            "(CONFIG_SECURITY_LANDLOCK, lsm=landlock)";
        return finding;
    }
    finding.tried = "Landlock " + std::to_string(version) + ": a file that is not shown was refused";
    finding.host_error = in_child(keep_to_files);
    constexpr int kWithSignals = 6;
    if (finding.host_error != 0) {
        finding.verdict = Verdict::kMissing;
        finding.tried = "keeping to a directory";
        finding.advice = "Landlock is there and cannot be used; halfcell run --unconfined does without";
    } else if (version < kWithSignals) {
        finding.verdict = Verdict::kLimited;
        finding.advice = "before Linux 6.12 a supervisor that is taken over can kill your processes";
    }
    return finding;
}

Finding calls() {
    const int outcome = in_child(keep_to_calls);
    // It ended by a signal, as it should.
    return judge({.feature = "confinement: calls",
                  .worked = "a call that is not on the list ended the process",
                  .failed = "a filter for a whole process",
                  .advice = "seccomp filters cannot be stacked here; halfcell run --unconfined does without"},
                 outcome == EFAULT ? 0 : outcome);
}

Finding privileges() {
    return judge(
        {.feature = "confinement: privileges",
         .worked = "none are left, none can be gained, and no core file is written",
         .failed = "giving up privileges",
         .advice = "a container profile forbids prctl or capset; halfcell run --unconfined does without"},
        in_child(keep_no_privileges));
}

}  // namespace

void probe_confinement(Findings& findings) {
    findings.push_back(files());
    findings.push_back(calls());
    findings.push_back(privileges());
}

}  // namespace halfcell::doctor
