#include "kernel_shim/gdb/debugger.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <string>
#include <system_error>
#include <utility>

#include "kernel_shim/gdb/listener.h"
#include "kernel_shim/gdb/session.h"
#include "kernel_shim/host/sys.h"

namespace halfcell::gdb {

namespace {

using Clock = std::chrono::steady_clock;

int milliseconds_until(Clock::time_point time) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(time - Clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT_MAX));
}

// What gdb is to be sent, as far as it has not taken it. Sending never waits.
class Outbox {
  public:
    Outbox(int connection, std::chrono::milliseconds patience)
        : connection_(connection), patience_(patience) {}

    [[nodiscard]] bool empty() const { return left_.empty(); }
    // When gdb has taken nothing for too long; not if empty.
    [[nodiscard]] Clock::time_point deadline() const { return deadline_; }
    // False where the peer is gone, or has not taken anything for too long.
    bool send(std::string bytes) {
        if (left_.empty()) {
            left_ = std::move(bytes);
            deadline_ = Clock::now() + patience_;
        } else {
            left_ += bytes;
        }
        return send_some() && (left_.empty() || Clock::now() < deadline_);
    }
    // Waits so long at most until gdb has taken the rest.
    void flush(std::chrono::milliseconds patience) {
        const Clock::time_point end = Clock::now() + patience;
        while (!left_.empty()) {
            pollfd one{connection_, POLLOUT, 0};
            const int ready =
                host::retry_interrupted([&] { return ::poll(&one, 1, milliseconds_until(end)); });
            if (ready <= 0 || !send_some()) return;
        }
    }

  private:
    bool send_some() {
        std::size_t sent = 0;
        while (sent != left_.size()) {
            const ssize_t some = host::retry_interrupted([&] {
                return ::send(connection_, left_.data() + sent, left_.size() - sent,
                              MSG_NOSIGNAL | MSG_DONTWAIT);
            });
            if (some < 0 && errno == EAGAIN) break;
            if (some <= 0) return false;
            sent += static_cast<std::size_t>(some);
        }
        if (sent != 0) deadline_ = Clock::now() + patience_;
        left_.erase(0, sent);
        return true;
    }

    const int connection_;
    const std::chrono::milliseconds patience_;
    std::string left_;
    Clock::time_point deadline_;
};

// Hands the session what has arrived. False where the peer is gone.
bool receive_some(int connection, Session& session) {
    std::array<char, 16384> bytes;
    const ssize_t size =
        host::retry_interrupted([&] { return ::recv(connection, bytes.data(), bytes.size(), 0); });
    if (size <= 0) return false;
    session.receive({bytes.data(), static_cast<std::size_t>(size)});
    return true;
}

}  // namespace

void serve(Target& target, int connection, int leave, const Patience& patience) {
    Session session(target);
    Outbox outbox(connection, patience.stalled);
    bool connected = true;
    bool leaving = false;
    while (connected && !leaving && !session.finished()) {
        // Whoever does not read its answers is not read from: they must not fill our memory.
        const bool behind = !outbox.empty();
        std::array<pollfd, 3> files{{{connection, static_cast<short>(behind ? POLLOUT : POLLIN), 0},
                                     {target.event_file(), POLLIN, 0},
                                     {leave, POLLIN, 0}}};
        const int timeout = behind ? milliseconds_until(outbox.deadline()) : -1;
        if (host::retry_interrupted([&] { return ::poll(files.data(), files.size(), timeout); }) < 0) break;
        leaving = files[2].revents != 0;
        // What has happened before the end is told, above all an end of the process.
        if (files[1].revents != 0 || leaving) session.on_event();
        if ((files[0].revents & ~POLLOUT) != 0) connected = receive_some(connection, session);
        connected = outbox.send(session.take_output()) && connected;
    }
    if (connected) outbox.flush(patience.last);
    while (session.running()) {
        session.interrupt();
        if (!host::poll_one(target.event_file(), POLLIN, std::nullopt)) break;
        session.on_event();
    }
    if (!session.finished()) session.on_disconnect();
}

Result<std::unique_ptr<Debugger>> Debugger::start(host::UniqueFd listener,
                                                  std::unique_ptr<KernelTarget> target) {
    return start(std::move(listener), std::move(target), std::nullopt);
}

Result<std::unique_ptr<Debugger>> Debugger::start_visit_to(std::uint64_t process, host::UniqueFd listener,
                                                           std::unique_ptr<KernelTarget> target) {
    return start(std::move(listener), std::move(target), std::optional(process));
}

Result<std::unique_ptr<Debugger>> Debugger::start(host::UniqueFd listener,
                                                  std::unique_ptr<KernelTarget> target,
                                                  std::optional<std::uint64_t> process) {
    auto leave = TRY(host::create_event(host::Blocking::kNo));
    std::unique_ptr<Debugger> debugger(
        new Debugger(std::move(listener), std::move(target), std::move(leave), process));
    try {
        debugger->thread_ = std::thread([raw = debugger.get()] { raw->run(); });
    } catch (const std::system_error&) {
        return fail(Errno::kEAGAIN);
    }
    return debugger;
}

Debugger::~Debugger() {
    (void)host::signal_event(leave_.get(), 1);
    if (thread_.joinable()) thread_.join();
}

void Debugger::run() {
    if (wait_for_connection())
        if (const auto connection = Listener::accept(listener_.get())) receive(connection->get());
    target_.reset();
    over_.store(true, std::memory_order_release);
}

void Debugger::receive(int connection) {
    if (!process_)
        serve(*target_, connection);
    else if (target_->attach(*process_))
        serve(*target_, connection, leave_.get());
}

bool Debugger::wait_for_connection() {
    std::array<pollfd, 2> files{{{listener_.get(), POLLIN, 0}, {leave_.get(), POLLIN, 0}}};
    if (host::retry_interrupted([&] { return ::poll(files.data(), files.size(), -1); }) < 0) return false;
    return files[1].revents == 0;
}

}  // namespace halfcell::gdb
