#include "kernel_shim/doctor/in_child.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "kernel_shim/host/sys.h"

namespace halfcell::doctor {

int in_child(const std::function<int()>& body) {
    constexpr unsigned kSeconds = 5;
    const pid_t child = fork();
    if (child < 0) return errno;
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGALRM, SIG_DFL);
        alarm(kSeconds);
        _exit(body());
    }
    int status = 0;
    host::retry_interrupted([&] { return waitpid(child, &status, 0); });
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? ETIMEDOUT : EFAULT;
}

}  // namespace halfcell::doctor
