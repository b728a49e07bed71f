#include "schemes/host_server/host_server.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

#include "kernel_shim/host/sys.h"
#include "kernel_shim/scheme/opened.h"

namespace halfcell::host_server {

using scheme::Caller;

Result<std::shared_ptr<HostServer>> HostServer::create(std::string name, std::unique_ptr<ServerLink> link,
                                                       scheme::SchemeRegistry& schemes,
                                                       std::shared_ptr<schemes::HostfdScheme> files,
                                                       const Patience& patience, Tell tell) {
    host::UniqueFd bell = TRY(host::create_event(host::Blocking::kNo));
    std::shared_ptr<HostServer> server(new HostServer(std::move(name), std::move(link), schemes,
                                                      std::move(files), patience, std::move(tell),
                                                      std::move(bell)));
    try {
        server->thread_ = std::thread([own = server.get()] { own->run(); });
    } catch (const std::system_error&) {
        return fail(Errno::kEAGAIN);
    }
    return server;
}

void HostServer::stop() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    (void)host::signal_event(bell_.get(), 1);
    if (thread_.joinable()) thread_.join();
}

bool HostServer::stopping() const {
    const std::lock_guard lock(mutex_);
    return stop_;
}

Result<std::shared_ptr<Connection>> HostServer::connect(wait::Waiter& waiter, std::string* what) {
    std::unique_lock lock(mutex_);
    if (connection_ != nullptr && !connection_->hung_up()) return connection_;
    if (stop_) return fail(Errno::kENODEV);
    const std::uint64_t before = finished_;
    wanted_ = true;
    (void)host::signal_event(bell_.get(), 1);
    while (finished_ == before)
        TRY(tried_.wait(lock, waiter, "HostServer::connect"));
    if (connection_ != nullptr) return connection_;
    if (what != nullptr) *what = what_;
    return fail(error_);
}

Result<scheme::OpenResult> HostServer::openat(const Caller& caller, HandleNumber, std::string_view path,
                                              std::uint64_t flags, std::uint32_t fcntl_flags) {
    const auto connection = TRY(connect(caller.waiter));
    const scheme::DescriptionRef root = connection->root();
    scheme::Scheme* const served = TRY(root->scheme());
    auto opened = TRY(served->openat(caller, root->number(), path, flags, fcntl_flags));
    return TRY(scheme::describe_opened(*root, std::move(opened), flags));
}

Result<void> HostServer::unlinkat(const Caller& caller, HandleNumber, std::string_view path,
                                  std::uint64_t flags) {
    const auto connection = TRY(connect(caller.waiter));
    const scheme::DescriptionRef root = connection->root();
    scheme::Scheme* const served = TRY(root->scheme());
    return served->unlinkat(caller, root->number(), path, flags);
}

void HostServer::pause(std::chrono::milliseconds time) const {
    (void)host::poll_one(bell_.get(), POLLIN, time);
}

// The thread: makes a connection when one is wanted, and serves it to its end.
void HostServer::run() {
    while (!stopping()) {
        std::shared_ptr<Connection> connection;
        bool wanted = false;
        {
            const std::lock_guard lock(mutex_);
            connection = connection_;
            wanted = wanted_;
        }
        if (connection != nullptr) {
            serve(*connection);
            {
                const std::lock_guard lock(mutex_);
                connection_.reset();
            }
            // Nobody finds it any more; those who wait are told.
            connection->close();
            link_->let_go();
            tell_of_end();
        } else if (wanted) {
            make_connection();
        } else {
            (void)host::poll_one(bell_.get(), POLLIN, std::nullopt);
        }
        (void)host::take_event(bell_.get());
    }
    link_->let_go();
}

void HostServer::tell_of_end() {
    if (stopping()) return;
    const std::string how = link_->trouble();
    tell_("the server of scheme " + name_ + " " + (how.empty() ? "lost its connection" : how) +
          "; the next open makes a new connection");
}

// Not of the first attempt, whose error whoever wants the scheme tells; and not twice of the same, as a guest
// may try without end.
void HostServer::tell_of_failure(const std::string& what) {
    const bool first = [&] {
        const std::lock_guard lock(mutex_);
        return finished_ == 0;
    }();
    if (!what.empty() && what != told_ && !first && !stopping())
        tell_("the server of scheme " + name_ + " does not come again: " + what);
    told_ = what;
}

std::string HostServer::why_it_failed(const HandoverOutcome& outcome) const {
    const std::string trouble = link_->trouble();
    if (trouble.empty()) return describe(outcome);
    if (outcome.host_error == kHopeless) return trouble + " before it served; it is not tried again";
    if (outcome.host_error == ECONNRESET || outcome.host_error == EPIPE)
        return trouble + " before it served; a server is a Linux program made with the server kit";
    return trouble;
}

void HostServer::make_connection() {
    std::chrono::milliseconds wait = patience_.pause;
    HandoverOutcome outcome;
    Result<std::shared_ptr<Connection>> made = fail(Errno::kENODEV);
    for (unsigned i = 0; i < patience_.attempts && !stopping(); ++i) {
        if (i != 0) {
            pause(wait);
            wait *= 2;
        }
        made = attempt(outcome);
        if (made) break;
        link_->let_go();
        // What is said of the server that served before is no verdict on the next one.
        const bool of_the_last = i == 0 && outcome.host_error == kHopeless;
        if (!of_the_last && decision_for(outcome.kind).action != Action::kReconnectQuietly) break;
    }
    const std::string why = made ? "" : why_it_failed(outcome);
    tell_of_failure(why);
    const std::lock_guard lock(mutex_);
    wanted_ = false;
    ++finished_;
    if (made) {
        connection_ = std::move(*made);
        // Whoever wakes so late that it has gone again hears that.
        error_ = Errno::kENODEV;
        what_ = decision_for(HandoverKind::kSocketUnavailable).name;
    } else {
        error_ = made.error();
        what_ = why;
    }
    tried_.notify_all();
}

Result<std::shared_ptr<Connection>> HostServer::attempt(HandoverOutcome& outcome) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        outcome = {.kind = kind_of_host_error(errno), .host_error = errno};
        return fail(decision_for(outcome.kind).error);
    }
    host::UniqueFd ours(ends[0]);
    host::UniqueFd servers(ends[1]);
    outcome = hand_over(*link_, ours.get(), servers.get(), patience_.acknowledgement);
    const Decision& decision = decision_for(outcome.kind);
    if (decision.action != Action::kAdopt) return fail(decision.error);
    // From now on only the server has its end, so that we see when it goes.
    servers.reset();
    auto connection = Connection::adopt(name_, std::move(ours), outcome.root, schemes_, files_);
    // A server that has gone meanwhile may come again.
    if (!connection)
        outcome = {.kind = connection.error() == Errno::kENODEV ? HandoverKind::kSocketUnavailable
                                                                : HandoverKind::kSendFailed};
    return connection;
}

void HostServer::serve(Connection& connection) {
    while (!stopping()) {
        if (connection.idle()) {
            pollfd files[3] = {{connection.socket(), POLLIN, 0},
                               {connection.left_behind(), POLLIN, 0},
                               {bell_.get(), POLLIN, 0}};
            (void)host::retry_interrupted([&] { return ::poll(files, 3, -1); });
            if (files[1].revents != 0) (void)host::take_event(connection.left_behind());
            if (files[2].revents != 0) (void)host::take_event(bell_.get());
        }
        if (!connection.serve()) return;
    }
}

}  // namespace halfcell::host_server
