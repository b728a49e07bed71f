#include "kernel_shim/control/server.h"

#include <sched.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <future>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "kernel_shim/control/admission.h"
#include "kernel_shim/control/conversation.h"
#include "kernel_shim/control/senders.h"
#include "kernel_shim/control/thread_files.h"
#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/host/sys.h"

namespace halfcell::control {

namespace {

// What an epoll event is about; connections count from kFirstConnection.
constexpr std::uint64_t kListener = 0;
constexpr std::uint64_t kWake = 1;
constexpr std::uint64_t kFirstConnection = 2;

// Nobody needs more, and a flood shall not have the guests' time: a connection costs some three wake-ups.
constexpr std::uint64_t kAdmittedAtOnce = 1024;
constexpr std::uint64_t kAdmittedInSecond = 200;
constexpr std::uint64_t kMillisecond = 1'000'000;
// Of the thread; a command is still answered at once where a processor is free.
constexpr int kNiceness = 10;
// Reads and writes a connection gets at the very end.
constexpr int kLastSteps = 16;

// Whoever floods the socket shall not have the guests' time: the calling thread gives way to all others, and
// does not interrupt any when it wakes. As far as Linux lets it.
void step_back() {
    const sched_param none{};
    (void)::sched_setscheduler(0, SCHED_BATCH, &none);
    (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNiceness);
}

}  // namespace

// The thread's own state; used by it alone.
class Server::Loop {
  public:
    Loop(Server& server, const Allowed& allowed, const ThreadFiles& files)
        : server_(server), senders_(allowed, ::geteuid()), files_(files) {}

    void run() {
        std::array<epoll_event, 64> events;
        while (!over_) {
            const int count = ::epoll_wait(files_.poller, events.data(), events.size(), patience());
            if (count < 0 && errno != EINTR) break;
            if (throttled_ && host::monotonic_nanoseconds() >= admission_.next()) listen_again(throttled_);
            for (int i = 0; i < count && !over_; ++i)
                handle(events[i].data.u64);
            if (locked_ && orders_ == 0) break;
        }
        // Whoever has sent something before the end is still answered, as far as he reads.
        if (locked_ || over_)
            while (!connections_.empty())
                serve_last(connections_.begin()->first);
        connections_.clear();
    }

  private:
    struct Connection {
        explicit Connection(host::UniqueFd socket) : file(std::move(socket)) {}
        host::UniqueFd file;
        Conversation talk;
        std::size_t waiting = 0;  // bytes of its answer, as counted in waiting_
    };

    void handle(std::uint64_t what) {
        if (what == kListener) return accept_some();
        if (what == kWake) return wake_up();
        serve(what);
    }

    bool watch(int operation, int file, std::uint32_t events, std::uint64_t what) {
        epoll_event event{};
        event.events = events;
        event.data.u64 = what;
        return ::epoll_ctl(files_.poller, operation, file, &event) == 0;
    }

    void accept_some() {
        for (;;) {
            if (!admission_.may_admit(host::monotonic_nanoseconds())) return stop_listening(throttled_);
            host::UniqueFd socket(::accept4(files_.listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
            if (!socket.is_open()) {
                // No descriptor is left: whoever waits is let in when somebody goes.
                if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
                    stop_listening(starved_);
                return;
            }
            admission_.admit();
            const int on = 1;
            (void)::setsockopt(socket.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
            if (const std::string refusal = refusal_of(socket.get()); !refusal.empty()) {
                ++counts_.refused;
                (void)send(socket.get(), refusal);
                continue;
            }
            ++counts_.accepted;
            const std::uint64_t id = next_++;
            const int file = socket.get();
            connections_.emplace(id, std::make_unique<Connection>(std::move(socket)));
            if (!watch(EPOLL_CTL_ADD, file, EPOLLIN | EPOLLONESHOT, id)) connections_.erase(id);
        }
    }

    // Why somebody is not let in; empty where he is.
    [[nodiscard]] std::string refusal_of(int socket) const {
        if (!senders_.may_connect(socket)) return error_line(Errno::kEACCES, "AUTH");
        if (connections_.size() >= kMostConnections)
            return error_line(Errno::kEAGAIN,
                              "there are " + std::to_string(kMostConnections) + " connections already");
        return {};
    }

    // For one of two reasons; listens again when none is left.
    void stop_listening(bool& reason) {
        reason = true;
        (void)watch(EPOLL_CTL_MOD, files_.listener, 0, kListener);
    }
    void listen_again(bool& reason) {
        reason = false;
        if (!starved_ && !throttled_ && !locked_)
            (void)watch(EPOLL_CTL_MOD, files_.listener, EPOLLIN, kListener);
    }
    // Milliseconds until something is to be done that nobody tells; -1 for never.
    [[nodiscard]] int patience() const {
        if (!throttled_) return -1;
        const std::uint64_t now = host::monotonic_nanoseconds();
        const std::uint64_t then = admission_.next();
        return now >= then ? 0 : static_cast<int>((then - now + kMillisecond - 1) / kMillisecond);
    }

    void wake_up() {
        (void)host::take_event(files_.wake);
        server_.confine_thread();
        for (Outcome& outcome : server_.clerk_->take()) {
            --orders_;
            const auto found = connections_.find(outcome.connection);
            if (found == connections_.end()) continue;
            found->second->waiting = outcome.answer.size();
            waiting_ += outcome.answer.size();
            found->second->talk.answer(outcome.answer);
            serve(outcome.connection);
        }
        if (server_.stopping_.load()) over_ = true;
    }

    void close(std::uint64_t id) {
        const auto found = connections_.find(id);
        waiting_ -= found->second->waiting;
        connections_.erase(found);
        if (starved_) listen_again(starved_);
    }

    Conversation::Step next_step(Connection& connection) {
        const std::uint64_t before = connection.talk.commands();
        const auto step = connection.talk.next(locked_);
        counts_.commands += connection.talk.commands() - before;
        return step;
    }

    // Goes on with a connection until it has to wait for its peer or for the clerk.
    void serve(std::uint64_t id) {
        const auto found = connections_.find(id);
        if (found == connections_.end()) return;
        Connection& connection = *found->second;
        const auto wait_for = [&](std::uint32_t events) {
            if (!watch(EPOLL_CTL_MOD, connection.file.get(), events | EPOLLONESHOT, id)) close(id);
        };
        for (bool has_read = false;;) {
            switch (next_step(connection)) {
                case Conversation::Step::kRead:
                    if (has_read || !receive(connection)) return wait_for(EPOLLIN);
                    has_read = true;
                    break;
                case Conversation::Step::kWrite:
                    if (!write(connection)) return wait_for(EPOLLOUT);
                    break;
                case Conversation::Step::kOrder:
                    order(id, connection);
                    break;
                case Conversation::Step::kWait:
                    return;
                case Conversation::Step::kClose:
                    return close(id);
            }
        }
    }

    // The same when nothing more will come: what cannot be written at once is not written.
    void serve_last(std::uint64_t id) {
        Connection& connection = *connections_.at(id);
        for (int step_number = 0; step_number < kLastSteps; ++step_number) {
            const auto step = next_step(connection);
            const bool goes_on = (step == Conversation::Step::kRead && receive(connection)) ||
                                 (step == Conversation::Step::kWrite && write(connection));
            if (!goes_on) break;
        }
        close(id);
    }

    void order(std::uint64_t id, Connection& connection) {
        const Request& request = connection.talk.request();
        if (request.verb == Verb::kLock) {
            locked_ = true;
            (void)watch(EPOLL_CTL_DEL, files_.listener, 0, kListener);
            (void)::close(files_.listener);
            return connection.talk.answer(success_line());
        }
        if (waiting_ > kMostWaiting)
            return connection.talk.answer(
                error_line(Errno::kENOBUFS, "too much waits for others to read it; ask again later"));
        SocketCounts counts = counts_;
        counts.connections = connections_.size();
        ++orders_;
        server_.clerk_->give({id, request, counts});
    }

    // False where there is nothing to read now.
    bool receive(Connection& connection) {
        std::array<char, kLongestLine> bytes;
        // Room for credentials, and for nothing else.
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};
        iovec part{bytes.data(), bytes.size()};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        const ssize_t count = host::retry_interrupted(
            [&] { return ::recvmsg(connection.file.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC); });
        if (count < 0 && errno == EAGAIN) return false;
        if (count <= 0) {
            connection.talk.end_of_input();
        } else if (!senders_.sent(message)) {
            ++counts_.refused;
            connection.talk.refuse(Errno::kEACCES, "AUTH");
        } else {
            connection.talk.feed({bytes.data(), static_cast<std::size_t>(count)});
        }
        return true;
    }

    // False where the peer reads too slowly.
    bool write(Connection& connection) {
        const std::string_view output = connection.talk.output();
        const ssize_t count = send(connection.file.get(), output);
        if (count < 0 && errno == EAGAIN) return false;
        // To somebody who has gone, everything is written.
        connection.talk.wrote(count < 0 ? output.size() : static_cast<std::size_t>(count));
        if (connection.talk.output().empty()) waiting_ -= std::exchange(connection.waiting, 0);
        return true;
    }

    static ssize_t send(int file, std::string_view text) {
        iovec part{const_cast<char*>(text.data()), text.size()};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        return host::retry_interrupted(
            [&] { return ::sendmsg(file, &message, MSG_DONTWAIT | MSG_NOSIGNAL); });
    }

    Server& server_;
    const Senders senders_;
    const ThreadFiles files_;  // by the same numbers in the thread's own table, whose end closes them
    std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
    std::uint64_t next_ = kFirstConnection;
    std::uint64_t orders_ = 0;  // with the clerk
    std::size_t waiting_ = 0;   // bytes of answers that are not written yet
    SocketCounts counts_;
    bool starved_ = false;    // nobody is accepted for want of descriptors
    bool throttled_ = false;  // ... or since there were many just now
    Admission admission_{kAdmittedAtOnce, kAdmittedInSecond};
    bool locked_ = false;
    bool over_ = false;
};

Expected<std::unique_ptr<Server>, std::string> Server::start(host::UniqueFd listener, const Allowed& allowed,
                                                             Desk& desk) {
    const auto because = [](const char* what, Errno error) {
        return unexpected("control socket: " + std::string(what) + ": " + abi::errno_text(error));
    };
    auto wake = host::create_event(host::Blocking::kNo);
    if (!wake) return because("no event", wake.error());
    host::UniqueFd poller(::epoll_create1(EPOLL_CLOEXEC));
    if (!poller.is_open()) return because("no epoll", host::last_error());
    std::unique_ptr<Server> server(new Server(std::move(listener), std::move(*wake)));
    for (const auto& [file, what] :
         {std::pair{server->listener_.get(), kListener}, std::pair{server->wake_.get(), kWake}}) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = what;
        if (::epoll_ctl(poller.get(), EPOLL_CTL_ADD, file, &event) != 0)
            return because("no epoll", host::last_error());
    }
    auto clerk = Clerk::start(desk, [raw = server.get()] { (void)host::signal_event(raw->wake_.get(), 1); });
    if (!clerk) return because("no thread", clerk.error());
    server->clerk_ = std::move(*clerk);

    const ThreadFiles files{server->listener_.get(), poller.get(), server->wake_.get()};
    auto loop = std::make_unique<Loop>(*server, allowed, files);
    std::promise<Result<void>> ready;
    try {
        server->thread_ = std::thread([raw = server.get(), &loop, &ready, files] {
            const std::unique_ptr<Loop> own = std::move(loop);
            ::pthread_setname_np(::pthread_self(), "control");
            step_back();
            const Result<void> alone = keep_only(files);
            ready.set_value(alone);
            if (alone) own->run();
            const std::lock_guard lock(raw->confining_);
            raw->ended_ = true;
            raw->confined_.notify_all();
        });
    } catch (const std::system_error&) {
        return because("no thread", Errno::kEAGAIN);
    }
    if (const auto alone = ready.get_future().get(); !alone)
        return because("its thread gets no descriptors of its own", alone.error());
    // From now on the thread's table has the only ones, so that nobody is let in when the thread has ended.
    server->listener_.reset();
    return server;
}

void Server::confine_thread() {
    const std::lock_guard lock(confining_);
    if (confine_ == nullptr) return;
    (*confine_)();
    confine_ = nullptr;
    confined_.notify_all();
}

void Server::confine(const std::function<void()>& confine) {
    std::unique_lock lock(confining_);
    confine_ = &confine;
    (void)host::signal_event(wake_.get(), 1);
    confined_.wait(lock, [this] { return confine_ == nullptr || ended_; });
    confine_ = nullptr;
}

Server::~Server() {
    // The order in hand may be what has ended the run: whoever gave it is answered.
    if (clerk_ != nullptr) clerk_->end();
    stopping_.store(true);
    (void)host::signal_event(wake_.get(), 1);
    if (thread_.joinable()) thread_.join();
}

}  // namespace halfcell::control
