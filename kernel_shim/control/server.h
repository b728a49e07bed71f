#pragma once

// The control socket: one thread, one epoll, any number of peers, each of whose messages is authenticated.

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "kernel_shim/base/result.h"
#include "kernel_shim/control/clerk.h"
#include "kernel_shim/control/senders.h"
#include "kernel_shim/host/unique_fd.h"

namespace halfcell::control {

// Further ones are told so and closed.
inline constexpr std::size_t kMostConnections = 2048;
// Answers that wait for slow readers, all together, in bytes; beyond it orders are refused with ENOBUFS.
inline constexpr std::size_t kMostWaiting = std::size_t{16} << 20;

class Server {
  public:
    // Starts both threads. `listener` is of ListeningSocket::open; `desk` outlives the server. The error is
    // one line for the user.
    static Expected<std::unique_ptr<Server>, std::string> start(host::UniqueFd listener,
                                                                const Allowed& allowed, Desk& desk);
    // Runs `confine` on the socket's thread and waits for it; where the thread has ended already it does
    // nothing. From then on the thread needs what confine::control_calls() lists. Once.
    void confine(const std::function<void()>& confine);
    // Closes the socket and every connection. Waits for the order in hand.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

  private:
    class Loop;
    void confine_thread();
    Server(host::UniqueFd listener, host::UniqueFd wake)
        : listener_(std::move(listener)), wake_(std::move(wake)) {}

    host::UniqueFd listener_;
    const host::UniqueFd wake_;
    std::atomic<bool> stopping_{false};
    std::mutex confining_;
    std::condition_variable confined_;
    // Guarded by confining_.
    const std::function<void()>* confine_ = nullptr;
    bool ended_ = false;  // the thread will confine itself no more
    std::unique_ptr<Clerk> clerk_;
    std::thread thread_;
};

}  // namespace halfcell::control
