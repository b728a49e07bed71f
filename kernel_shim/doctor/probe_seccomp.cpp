#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>

#include "kernel_shim/doctor/in_child.h"
#include "kernel_shim/doctor/probes.h"
#include "kernel_shim/host/notify.h"

namespace halfcell::doctor {

namespace {

// A number no Linux has: a call of it fails with ENOSYS unless the filter hands it to the listener.
constexpr unsigned kProbeCall = 0x7ead'beef;
constexpr long kAnswer = 0x1234'5678'9abc;

// A listener for kProbeCall on this process and its future children; -1 with errno.
int install_listener(unsigned flags) {
    std::array<sock_filter, 4> program = {{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kProbeCall, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    }};
    sock_fprog record{static_cast<unsigned short>(program.size()), program.data()};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    return static_cast<int>(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &record));
}

void ignore_signal(int) {}

// A child that calls kProbeCall and exits with 0 when it gets the answer. SIGUSR1 interrupts it without
// ending it.
pid_t start_caller() {
    const pid_t caller = fork();
    if (caller != 0) return caller;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct sigaction action {};
    action.sa_handler = ignore_signal;
    sigaction(SIGUSR1, &action, nullptr);
    _exit(syscall(kProbeCall) == kAnswer ? 0 : 1);
}

int answer_one_call(unsigned flags, bool disturb) {
    const int file = install_listener(flags);
    if (file < 0) return errno;
    const pid_t caller = start_caller();
    if (caller < 0) return errno;
    host::Listener listener{host::UniqueFd(file)};
    host::Notification notification;
    if (!listener.receive(notification)) return EPIPE;
    if (disturb) {
        kill(caller, SIGUSR1);
        // A host that lets the signal through withdraws the call as soon as the caller has run.
        for (int i = 0; i < 20; ++i) {
            usleep(1000);
            if (!listener.is_valid(notification.id)) return EINTR;
        }
    }
    if (!listener.respond(notification.id, kAnswer)) return ENOENT;
    int status = 0;
    waitpid(caller, &status, 0);
    return status == 0 ? 0 : EPROTO;
}

int try_sync_wake_up() {
    const int file = install_listener(SECCOMP_FILTER_FLAG_NEW_LISTENER);
    if (file < 0) return errno;
    return host::Listener(host::UniqueFd(file)).has_sync_wake_up() ? 0 : EINVAL;
}

// Whether RECV ends by itself with the last user of the filter. This process uses the filter, too, so the
// listener has to come from a child that installs it and shares its descriptors with us.
int receive_past_death() {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) return errno;
    const auto user = static_cast<pid_t>(syscall(SYS_clone, 0x400 /* CLONE_FILES */ | SIGCHLD, 0, 0, 0, 0));
    if (user < 0) return errno;
    if (user == 0) {
        const int file = install_listener(SECCOMP_FILTER_FLAG_NEW_LISTENER);
        if (write(ends[1], &file, sizeof file) != sizeof file) _exit(1);
        usleep(20'000);  // by then the parent sleeps in RECV
        _exit(0);
    }
    int file = -1;
    if (read(ends[0], &file, sizeof file) != sizeof file || file < 0) return EPIPE;
    struct sigaction action {};
    action.sa_handler = ignore_signal;
    sigaction(SIGALRM, &action, nullptr);
    alarm(2);
    seccomp_notif notification{};
    const int status = ioctl(file, SECCOMP_IOCTL_NOTIF_RECV, &notification);
    return status < 0 && errno == ENOENT ? 0 : ETIMEDOUT;
}

Finding user_notification() {
    Finding finding{.feature = "seccomp user notification",
                    .tried = "a child's call was received, answered with 64 bits and returned"};
    finding.host_error = in_child([] { return answer_one_call(SECCOMP_FILTER_FLAG_NEW_LISTENER, false); });
    if (finding.host_error == 0) return finding;
    finding.verdict = Verdict::kMissing;
    finding.tried = "a filter with a listener and a child's call through it";
    switch (finding.host_error) {
        case EBUSY:
            finding.advice =
                "a sandbox around halfcell has a listener already, and Linux allows one: run halfcell "
                "outside it";
            break;
        case EPERM:
        case EACCES:
            finding.advice =
                "a container profile forbids seccomp(2): allow it (docker run --security-opt "
                "seccomp=unconfined)";
            break;
        case ENOSYS:
        case EINVAL:
            finding.advice = "needs a kernel with CONFIG_SECCOMP_FILTER, 5.19 or later";
            break;
        default:
            finding.advice = "a listener was made but does not work: look for another sandbox in the way";
    }
    return finding;
}

}  // namespace

void probe_seccomp(Findings& findings) {
    findings.push_back(user_notification());
    if (findings.back().verdict == Verdict::kMissing) return;

    constexpr unsigned kWaitKillable = 1U << 5;
    findings.push_back(judge(
        {.feature = "WAIT_KILLABLE_RECV",
         .worked = "a signal left a received call alone",
         .failed = "a signal during a received call",
         .advice = "needs Linux 5.19 or later"},
        in_child([] { return answer_one_call(SECCOMP_FILTER_FLAG_NEW_LISTENER | kWaitKillable, true); })));
    findings.push_back(judge({.feature = "SYNC_WAKE_UP",
                              .worked = "the listener accepts the flag",
                              .failed = "setting the flag on a listener",
                              .advice = "Linux 6.6 and later answer calls up to ten times faster",
                              .without = Verdict::kLimited},
                             in_child(try_sync_wake_up)));
    findings.push_back(judge({.feature = "listener ends with its guest",
                              .worked = "RECV returned when the last user of the filter had gone",
                              .failed = "waiting in RECV while the last user of the filter ends",
                              .advice = "before Linux 6.11 every call costs one poll(2) more",
                              .without = Verdict::kLimited},
                             in_child(receive_past_death)));
}

}  // namespace halfcell::doctor
