#include "schemes/host_server/broker.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/host/sys.h"
#include "schemes/host_server/packets.h"

namespace halfcell::host_server {

namespace {

// What a packet to the broker is.
enum class Wish : std::uint32_t { kReach, kLetGo };

// The rendezvous comes beside a 0 to kReach.
struct Report {
    int error = 0;                    // the host's
    std::array<char, 200> trouble{};  // ServerLink::trouble(), to its NUL
};

template <typename T>
std::span<std::byte> bytes_of(T& value) {
    return std::as_writable_bytes(std::span(&value, 1));
}

[[noreturn]] void serve_supervisor(host::UniqueFd socket, ServerLink& link) {
    ::prctl(PR_SET_NAME, "halfcell-broker", 0, 0, 0);
    // Whatever else was open, a broker of another server among it.
    const int own = ::fcntl(socket.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (own > STDERR_FILENO + 1) ::close_range(STDERR_FILENO + 1, static_cast<unsigned>(own) - 1, 0);
    ::close_range(static_cast<unsigned>(own) + 1, ~0U, 0);
    for (;;) {
        Wish wish{};
        std::vector<host::UniqueFd> none;
        if (await_packet(own, bytes_of(wish), none) != 0) break;
        Report answer;
        std::vector<int> passed;
        host::UniqueFd rendezvous;
        if (wish == Wish::kReach) {
            answer.error = link.reach();
            if (answer.error == 0) rendezvous = link.take_rendezvous();
            if (rendezvous.is_open()) passed.push_back(rendezvous.get());
        } else {
            link.let_go();
        }
        (void)link.trouble().copy(answer.trouble.data(), answer.trouble.size() - 1);
        if (send_packet(own, bytes_of(answer), passed) != 0) break;
    }
    link.let_go();
    ::_exit(0);
}

class BrokeredLink final : public ServerLink {
  public:
    BrokeredLink(pid_t broker, host::UniqueFd socket) : broker_(broker), socket_(std::move(socket)) {}
    ~BrokeredLink() override {
        rendezvous_.reset();
        socket_.reset();
        (void)host::retry_interrupted([&] { return ::waitpid(broker_, nullptr, 0); });
    }

    int reach() override {
        if (rendezvous_.is_open()) return 0;
        std::vector<host::UniqueFd> passed;
        if (const int error = ask(Wish::kReach, passed); error != 0) return error;
        if (passed.size() != 1) return EPROTO;
        rendezvous_ = std::move(passed.front());
        return 0;
    }

    void let_go() override {
        if (!rendezvous_.is_open()) return;
        rendezvous_.reset();
        std::vector<host::UniqueFd> none;
        (void)ask(Wish::kLetGo, none);
    }

    host::UniqueFd take_rendezvous() override { return std::move(rendezvous_); }
    [[nodiscard]] std::string trouble() const override { return trouble_; }

  private:
    [[nodiscard]] int rendezvous() const override { return rendezvous_.get(); }

    int ask(Wish wish, std::vector<host::UniqueFd>& passed) {
        if (const int error = send_packet(socket_.get(), bytes_of(wish), {}); error != 0) return error;
        Report answer;
        if (const int error = await_packet(socket_.get(), bytes_of(answer), passed); error != 0) return error;
        answer.trouble.back() = '\0';
        trouble_ = answer.trouble.data();
        return answer.error;
    }

    const pid_t broker_;
    host::UniqueFd socket_;
    host::UniqueFd rendezvous_;
    std::string trouble_;
};

}  // namespace

Result<std::unique_ptr<ServerLink>> reach_through_broker(std::unique_ptr<ServerLink> link) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return fail(host::last_error());
    host::UniqueFd ours(ends[0]);
    host::UniqueFd theirs(ends[1]);
    const pid_t broker = ::fork();
    if (broker < 0) return fail(host::last_error());
    if (broker == 0) {
        ours.reset();
        serve_supervisor(std::move(theirs), *link);
    }
    return std::make_unique<BrokeredLink>(broker, std::move(ours));
}

}  // namespace halfcell::host_server
