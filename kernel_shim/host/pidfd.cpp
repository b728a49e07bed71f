#include "kernel_shim/host/pidfd.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/host/sys.h"

namespace halfcell::host {

namespace {

// PIDFD_THREAD and P_PIDFD, by value: the headers of Debian 12 lack the first.
constexpr unsigned kPidfdThread = O_EXCL;
constexpr auto kWaitByDescriptor = static_cast<idtype_t>(3);

Result<UniqueFd> owned(long file) {
    if (file < 0) return fail(last_error());
    return UniqueFd(static_cast<int>(file));
}

Result<void> done(long status) {
    if (status < 0) return fail(last_error());
    return {};
}

}  // namespace

Result<UniqueFd> open_process(pid_t process) {
    return owned(syscall(SYS_pidfd_open, process, 0));
}

Result<UniqueFd> open_thread(pid_t thread) {
    return owned(syscall(SYS_pidfd_open, thread, kPidfdThread));
}

Result<UniqueFd> take_descriptor(int process, int number) {
    return owned(syscall(SYS_pidfd_getfd, process, number, 0));
}

Result<void> send_signal(int process, int signal) {
    return done(syscall(SYS_pidfd_send_signal, process, signal, nullptr, 0));
}

Result<void> send_thread_signal(pid_t process, pid_t thread, int signal) {
    return done(syscall(SYS_tgkill, process, thread, signal));
}

namespace {

Result<ChildState> child_state(int process, int options) {
    siginfo_t info{};
    const int status = retry_interrupted([&] {
        return waitid(kWaitByDescriptor, static_cast<id_t>(process), &info,
                      options | WEXITED | WNOHANG | __WALL);
    });
    if (status != 0) return fail(last_error());
    return ChildState{.ended = info.si_pid != 0, .status = info.si_status};
}

}  // namespace

Result<ChildState> reap(int process) {
    return child_state(process, 0);
}

bool has_ended(int process) {
    const auto state = child_state(process, WNOWAIT);
    return !state || state->ended;
}

bool is_ending(pid_t process) {
    constexpr unsigned long kExiting = 0x4;  // PF_EXITING
    const std::string path = "/proc/" + std::to_string(process) + "/stat";
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 512> text{};
    if (!file.is_open() || ::read(file.get(), text.data(), text.size() - 1) <= 0) return true;
    // The state follows the name in parentheses, which may hold anything; flags are the sixth from there.
    const char* const behind_name = std::strrchr(text.data(), ')');
    char state = 0;
    unsigned long flags = 0;
    if (behind_name == nullptr ||
        std::sscanf(behind_name, ") %c %*d %*d %*d %*d %*d %lu", &state, &flags) != 2)
        return false;
    return state == 'Z' || state == 'X' || (flags & kExiting) != 0;
}

int kill_and_reap(pid_t process) {
    ::kill(process, SIGKILL);
    int status = 0;
    (void)retry_interrupted([&] { return waitpid(process, &status, __WALL); });
    return status;
}

bool lead_group(pid_t process) {
    return setpgid(process, process) == 0;
}

void kill_group(pid_t leader) {
    ::kill(-leader, SIGKILL);
}

void reap_group(pid_t leader) {
    while (retry_interrupted([&] { return waitpid(-leader, nullptr, __WALL); }) > 0) {
    }
}

}  // namespace halfcell::host
