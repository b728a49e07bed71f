#include "schemes/host_server/server_link.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "kernel_shim/host/pidfd.h"
#include "kernel_shim/host/sys.h"
#include "schemes/host_server/packets.h"

namespace halfcell::host_server {

namespace {

// Where a server that was started finds its rendezvous.
constexpr int kRendezvousNumber = 3;

timespec time_left(Clock::time_point deadline) {
    const auto left = std::max(deadline - Clock::now(), Clock::duration::zero());
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(left);
    return {.tv_sec = whole.count(), .tv_nsec = std::chrono::nanoseconds(left - whole).count()};
}

// In the child, between fork and exec: only calls that are safe there.
[[noreturn]] void become(int rendezvous, int report, pid_t parent, char* const* words) {
    const auto give_up = [report] {
        const int error = errno;
        [[maybe_unused]] const auto told = ::write(report, &error, sizeof error);
        ::_exit(127);
    };
    // Not when it has died already.
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) give_up();
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    const int nothing = ::open("/dev/null", O_RDONLY);
    // The report may be where the rendezvous has to be.
    const int moved = ::fcntl(report, F_DUPFD_CLOEXEC, kRendezvousNumber + 1);
    if (nothing < 0 || moved < 0) give_up();
    if (::dup2(nothing, STDIN_FILENO) < 0 || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) give_up();
    if (rendezvous == kRendezvousNumber) {
        if (::fcntl(rendezvous, F_SETFD, 0) != 0) give_up();
    } else if (::dup2(rendezvous, kRendezvousNumber) < 0) {
        give_up();
    }
    ::close_range(kRendezvousNumber + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    ::execvp(words[0], words);
    const int error = errno;
    [[maybe_unused]] const auto told = ::write(moved, &error, sizeof error);
    ::_exit(127);
}

// The statuses that shells and tools agree on: what they mean, and that a program that is started again will
// end with the same.
const char* meaning_of(int exit_status) {
    switch (exit_status) {
        case 2:
            return " (its arguments make no sense to it)";
        case 126:
            return " (it cannot be run)";
        case 127:
            return " (it was not found)";
        default:
            return nullptr;
    }
}

std::string how_it_ended(int status) {
    if (WIFEXITED(status)) {
        const char* const meaning = meaning_of(WEXITSTATUS(status));
        return "ended with status " + std::to_string(WEXITSTATUS(status)) +
               (meaning != nullptr ? meaning : "");
    }
    const char* const name = ::sigabbrev_np(WTERMSIG(status));
    return "was killed by signal " + std::to_string(WTERMSIG(status)) +
           (name != nullptr ? " (SIG" + std::string(name) + ")" : "");
}

class CommandLink final : public ServerLink {
  public:
    explicit CommandLink(std::vector<std::string> words) : words_(std::move(words)) {}
    ~CommandLink() override { CommandLink::let_go(); }

    int reach() override {
        if (process_ > 0) return 0;
        if (std::exchange(hopeless_, false)) return kHopeless;
        trouble_.clear();
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return errno;
        host::UniqueFd ours(ends[0]);
        const host::UniqueFd theirs(ends[1]);
        int report[2];
        if (::pipe2(report, O_CLOEXEC) != 0) return errno;
        const host::UniqueFd told(report[0]);
        host::UniqueFd tell(report[1]);
        std::vector<char*> words;
        for (std::string& word : words_)
            words.push_back(word.data());
        words.push_back(nullptr);
        ::setenv(server::kRendezvousVariable, std::to_string(kRendezvousNumber).c_str(), 1);
        const pid_t parent = ::getpid();
        const pid_t child = ::fork();
        if (child < 0) return errno;
        if (child == 0) become(theirs.get(), tell.get(), parent, words.data());
        tell.reset();
        int error = 0;
        const ssize_t got = host::retry_interrupted([&] { return ::read(told.get(), &error, sizeof error); });
        process_ = child;
        rendezvous_ = std::move(ours);
        if (got == sizeof error) {
            let_go();
            hopeless_ = false;  // it may be about to be replaced
            trouble_ = "cannot be started: " + host_error_text(error);
            return error;
        }
        return 0;
    }
    [[nodiscard]] std::string trouble() const override { return trouble_; }

    void let_go() override {
        if (process_ > 0) {
            const bool by_itself = host::is_ending(process_);
            const int status = host::kill_and_reap(process_);
            trouble_ = by_itself ? how_it_ended(status) : "";
            hopeless_ = by_itself && WIFEXITED(status) && meaning_of(WEXITSTATUS(status)) != nullptr;
        }
        process_ = -1;
        rendezvous_.reset();
    }
    host::UniqueFd take_rendezvous() override { return std::move(rendezvous_); }

  private:
    [[nodiscard]] int rendezvous() const override { return rendezvous_.get(); }

    std::vector<std::string> words_;
    std::string trouble_;
    bool hopeless_ = false;
    pid_t process_ = -1;
    host::UniqueFd rendezvous_;
};

class SocketLink final : public ServerLink {
  public:
    explicit SocketLink(std::string path) : path_(std::move(path)) {}

    int reach() override {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (path_.size() >= sizeof address.sun_path) return ENAMETOOLONG;
        std::memcpy(address.sun_path, path_.data(), path_.size());
        trouble_.clear();
        host::UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!socket.is_open()) return errno;
        if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            const int error = errno;
            trouble_ = why_unreachable(error);
            return error;
        }
        rendezvous_ = std::move(socket);
        return 0;
    }
    void let_go() override { rendezvous_.reset(); }
    host::UniqueFd take_rendezvous() override { return std::move(rendezvous_); }
    [[nodiscard]] std::string trouble() const override { return trouble_; }

  private:
    [[nodiscard]] int rendezvous() const override { return rendezvous_.get(); }

    // Empty where the errno says enough.
    [[nodiscard]] std::string why_unreachable(int error) const {
        switch (error) {
            case ENOENT:
            case ENOTDIR:
            case ECONNREFUSED:
                return "no server listens there: " + host_error_text(error) + "; start one with --listen " +
                       path_;
            case ENOTSOCK:
            case EPROTOTYPE:
                return "not the socket of a scheme server: " + host_error_text(error);
            default:
                return {};
        }
    }

    const std::string path_;
    std::string trouble_;
    host::UniqueFd rendezvous_;
};

}  // namespace

int ServerLink::send(const server::HandoverOffer& offer, int descriptor) {
    return send_packet(rendezvous(), std::as_bytes(std::span(&offer, 1)), std::span(&descriptor, 1));
}

// While we hold the server's end of the connection ourselves, only the rendezvous shows that the server goes.
Rendezvous::Presented ServerLink::await(int connection, Clock::time_point deadline) {
    for (;;) {
        Presented presented;
        std::vector<host::UniqueFd> unwanted;
        presented.host_error =
            receive_packet(connection, std::as_writable_bytes(std::span(&presented.packet, 1)), unwanted);
        if (presented.host_error != EAGAIN) return presented;
        pollfd files[2] = {{connection, POLLIN, 0}, {rendezvous(), 0, 0}};
        const timespec left = time_left(deadline);
        const int ready = host::retry_interrupted([&] { return ::ppoll(files, 2, &left, nullptr); });
        if (ready < 0) return {.host_error = errno, .packet = {}};
        if (ready == 0) return {.host_error = ETIMEDOUT, .packet = {}};
        // What it has said before it went counts.
        if (files[0].revents == 0) return {.host_error = ECONNRESET, .packet = {}};
    }
}

std::unique_ptr<ServerLink> make_command_link(std::vector<std::string> words) {
    return std::make_unique<CommandLink>(std::move(words));
}

std::unique_ptr<ServerLink> make_socket_link(std::string path) {
    return std::make_unique<SocketLink>(std::move(path));
}

}  // namespace halfcell::host_server
