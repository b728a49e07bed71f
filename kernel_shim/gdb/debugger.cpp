#include "kernel_shim/gdb/debugger.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <system_error>

#include "kernel_shim/gdb/listener.h"
#include "kernel_shim/gdb/session.h"
#include "kernel_shim/host/sys.h"

namespace halfcell::gdb {

namespace {

// False where the peer is gone.
bool send_all(int connection, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = host::retry_interrupted(
            [&] { return ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL); });
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

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

void serve(Target& target, int connection, int leave) {
    Session session(target);
    bool connected = true;
    while (connected && !session.finished()) {
        std::array<pollfd, 3> files{
            {{connection, POLLIN, 0}, {target.event_file(), POLLIN, 0}, {leave, POLLIN, 0}}};
        if (host::retry_interrupted([&] { return ::poll(files.data(), files.size(), -1); }) < 0) break;
        // What has happened before the end is told, above all an end of the process.
        if (files[1].revents != 0 || files[2].revents != 0) session.on_event();
        if (files[0].revents != 0) connected = receive_some(connection, session);
        connected = send_all(connection, session.take_output()) && connected && files[2].revents == 0;
    }
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
