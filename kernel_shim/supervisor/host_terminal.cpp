#include "kernel_shim/supervisor/host_terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <optional>

#include "kernel_shim/host/sys.h"

namespace halfcell::supervisor {

namespace {

constexpr int kTaken[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGCONT, SIGWINCH};
// What ends a process that has met a bug of its own.
constexpr int kCrashes[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV};

// For the handler of kCrashes, which can be told nothing: what to restore, and where.
struct Restorable {
    int file;
    termios found;
};
std::atomic<const Restorable*> restorable{nullptr};

void restore_and_crash(int signal) {
    if (const Restorable* const terminal = restorable.load())
        ::tcsetattr(terminal->file, TCSADRAIN, &terminal->found);
    // SA_RESETHAND: this time the signal does what it always does.
    ::raise(signal);
}

void restore_at_crashes(const Restorable& terminal) {
    restorable.store(&terminal);
    for (const int crash : kCrashes) {
        struct sigaction old {};
        if (::sigaction(crash, nullptr, &old) != 0 || old.sa_handler != SIG_DFL) continue;
        struct sigaction action {};
        action.sa_handler = restore_and_crash;
        action.sa_flags = SA_RESETHAND | SA_NODEFER;
        ::sigaction(crash, &action, nullptr);
    }
}

std::optional<dev_t> terminal_device(int file) {
    struct stat status {};
    if (::isatty(file) != 1 || ::fstat(file, &status) != 0) return std::nullopt;
    return status.st_rdev;
}

// An open file of its own does not block and nobody else notices; where it cannot be had (the terminal is
// another user's), the one we were given has to do.
host::UniqueFd open_again(int file) {
    const std::string path = "/proc/self/fd/" + std::to_string(file);
    host::UniqueFd own(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (own.is_open()) return own;
    return host::UniqueFd(::fcntl(file, F_DUPFD_CLOEXEC, 3));
}

}  // namespace

std::unique_ptr<HostTerminal> HostTerminal::take_over() {
    const auto input = terminal_device(STDIN_FILENO);
    if (!input || input != terminal_device(STDOUT_FILENO)) return nullptr;
    std::unique_ptr<HostTerminal> terminal(new HostTerminal());
    terminal->device_ = *input;
    terminal->file_ = open_again(STDIN_FILENO);
    if (!terminal->file_.is_open() || ::tcgetattr(terminal->file(), &terminal->found_) != 0) return nullptr;

    sigemptyset(&terminal->taken_);
    for (const int signal : kTaken) {
        struct sigaction action {};
        if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(&terminal->taken_, signal);
    }
    terminal->signals_.reset(::signalfd(-1, &terminal->taken_, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!terminal->signals_.is_open()) return nullptr;
    ::pthread_sigmask(SIG_BLOCK, &terminal->taken_, &terminal->old_mask_);
    // Lives as long as the process, like the handler that uses it.
    static Restorable crash_state;
    crash_state = {terminal->file(), terminal->found_};
    restore_at_crashes(crash_state);
    return terminal;
}

HostTerminal::~HostTerminal() {
    restore();
    restorable.store(nullptr);
    if (signals_.is_open()) ::pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
}

void HostTerminal::make_raw() {
    termios settings = found_;
    ::cfmakeraw(&settings);
    host::retry_interrupted([&] { return ::tcsetattr(file(), TCSADRAIN, &settings); });
    raw_ = true;
}

void HostTerminal::restore() {
    if (!raw_) return;
    raw_ = false;
    host::retry_interrupted([&] { return ::tcsetattr(file(), TCSADRAIN, &found_); });
}

void HostTerminal::stop() {
    restore();
    ::kill(::getpid(), SIGSTOP);
}

void HostTerminal::continued() {
    // The shell that continues us has settings of its own: whatever we had set is gone.
    raw_ = false;
    if (::tcgetpgrp(file()) == ::getpgrp()) make_raw();
}

void HostTerminal::die_by(int signal) {
    restore();
    ::signal(signal, SIG_DFL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    ::raise(signal);
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    constexpr int kSignalBase = 128;
    ::_exit(kSignalBase + signal);
}

abi::Winsize HostTerminal::size() const {
    winsize size{};
    if (::ioctl(file(), TIOCGWINSZ, &size) != 0) return {};
    return {.ws_row = size.ws_row, .ws_col = size.ws_col};
}

bool HostTerminal::is(int standard_file) const {
    return terminal_device(standard_file) == device_;
}

}  // namespace halfcell::supervisor
