#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <string>

#include "kernel_shim/doctor/in_child.h"
#include "kernel_shim/doctor/probes.h"
#include "kernel_shim/host/cpu.h"
#include "kernel_shim/host/pidfd.h"

namespace halfcell::doctor {

namespace {

std::string first_line(const char* path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

int take_from_child() {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) return errno;
    const pid_t child = fork();
    if (child < 0) return errno;
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    const int process = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
    const int copy = process < 0 ? -1 : static_cast<int>(syscall(SYS_pidfd_getfd, process, ends[0], 0));
    const int error = copy < 0 ? errno : 0;
    host::kill_and_reap(child);
    return error;
}

// A parent that dies takes its child along: the pipe's last writer is gone.
int die_with_parent() {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) return errno;
    const pid_t parent = fork();
    if (parent < 0) return errno;
    if (parent == 0) {
        const pid_t child = fork();
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            char ready = 1;
            if (write(ends[1], &ready, 1) != 1) _exit(1);
            for (;;)
                pause();
        }
        for (;;)
            pause();
    }
    close(ends[1]);
    char byte = 0;
    if (read(ends[0], &byte, 1) != 1) return EPIPE;
    host::kill_and_reap(parent);
    return read(ends[0], &byte, 1) == 0 ? 0 : EPROTO;
}

// The supervisor's child makes another child of the supervisor that shares its descriptors.
int make_sibling() {
    const pid_t child = fork();
    if (child < 0) return errno;
    if (child == 0) {
        const long sibling = syscall(SYS_clone, CLONE_PARENT | CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
        if (sibling == 0) _exit(7);
        _exit(sibling < 0 ? errno : 0);
    }
    int seven = 0;
    for (int status = 0; wait(&status) > 0;) {
        if (WEXITSTATUS(status) == 7)
            ++seven;
        else if (status != 0)
            return WEXITSTATUS(status);
    }
    return seven == 1 ? 0 : ECHILD;
}

Finding descriptor_of_thread() {
    Finding finding{.feature = "thread descriptors", .tried = "pidfd_open of a thread (PIDFD_THREAD)"};
    const int file = static_cast<int>(syscall(SYS_pidfd_open, gettid(), O_EXCL));
    if (file >= 0) {
        close(file);
        return finding;
    }
    finding.host_error = errno;
    finding.verdict = Verdict::kMissing;
    finding.advice = "needs Linux 6.9 or later";
    return finding;
}

Finding taking_descriptors() {
    Finding finding{.feature = "taking descriptors",
                    .tried = "pidfd_getfd from a child",
                    .host_error = in_child(take_from_child)};
    if (finding.host_error == 0) return finding;
    finding.verdict = Verdict::kMissing;
    const std::string scope = first_line("/proc/sys/kernel/yama/ptrace_scope");
    if (finding.host_error == ENOSYS)
        finding.advice = "needs Linux 5.6 or later, or a container profile that allows pidfd_getfd";
    else if (!scope.empty() && scope != "0" && scope != "1")
        finding.advice =
            "kernel.yama.ptrace_scope is " + scope + "; set it to 1 (sysctl kernel.yama.ptrace_scope=1)";
    else
        finding.advice =
            "a security module or container profile forbids it: allow pidfd_getfd and ptrace of own "
            "children (docker run --security-opt seccomp=unconfined)";
    return finding;
}

Finding process_limit() {
    constexpr rlim_t kComfortable = 256;
    Finding finding{.feature = "process limit"};
    rlimit limit{};
    getrlimit(RLIMIT_NPROC, &limit);
    finding.tried =
        "RLIMIT_NPROC is " +
        (limit.rlim_cur == RLIM_INFINITY ? std::string("unlimited") : std::to_string(limit.rlim_cur)) +
        "; a guest thread takes two";
    if (limit.rlim_cur < kComfortable) {
        finding.verdict = Verdict::kLimited;
        finding.advice = "raise it (ulimit -u 4096)";
    }
    return finding;
}

Finding descriptor_limit() {
    constexpr rlim_t kComfortable = 1024;
    Finding finding{.feature = "descriptor limit"};
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    finding.tried = "RLIMIT_NOFILE is " + std::to_string(limit.rlim_cur) + " of " +
                    std::to_string(limit.rlim_max) + "; a guest thread takes one, a guest two";
    if (limit.rlim_max < kComfortable) {
        finding.verdict = Verdict::kLimited;
        finding.advice = "raise it (ulimit -Hn 4096)";
    }
    return finding;
}

Finding processors() {
    const std::size_t count = host::allowed_cpus().size();
    return {.feature = "processors",
            .tried = std::to_string(count) +
                     (count == 1 ? " may be used" : " may be used; a guest thread and its worker share one")};
}

}  // namespace

void probe_processes(Findings& findings) {
    const int sibling_error = in_child(make_sibling);
    findings.push_back(
        judge({.feature = "forked siblings",
               .worked = "a child made a sibling that shares our descriptors",
               .advice = sibling_error == EAGAIN ? "the process limit is reached (ulimit -u, pids.max)"
                                                 : "clone(2) with CLONE_PARENT is refused: not as init of a "
                                                   "namespace, and not under this container profile"},
              sibling_error));
    findings.push_back(judge({.feature = "death with the supervisor",
                              .worked = "a child died with its killed parent (PR_SET_PDEATHSIG)",
                              .advice = "a container profile forbids prctl(PR_SET_PDEATHSIG): allow it"},
                             in_child(die_with_parent)));
    findings.push_back(descriptor_of_thread());
    findings.push_back(taking_descriptors());
    findings.push_back(process_limit());
    findings.push_back(descriptor_limit());
    findings.push_back(processors());
}

}  // namespace halfcell::doctor
