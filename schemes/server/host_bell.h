#pragma once

// Waking each other across two processes (Sleep in host_protocol.h): a futex in shared memory, and a thread
// that watches the socket beside it, for a side that goes without a word.

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

#include "userland/rt/result.h"

namespace halfcell::server {

class HostBell {
  public:
    // Watches a socket, the caller's, which outlives it. EAGAIN (no thread).
    static userland::Result<std::unique_ptr<HostBell>> create(int socket);
    HostBell(const HostBell&) = delete;
    HostBell& operator=(const HostBell&) = delete;
    // Shuts the socket down, and waits for the thread.
    ~HostBell();

    // Waits until the other side has rung, if `bell` is still `seen`. May return early. False: it has gone.
    bool await(const std::atomic<std::uint32_t>& bell, std::uint32_t seen);
    // Rings ours, which the other side waits for.
    static void ring(std::atomic<std::uint32_t>& bell);

  private:
    explicit HostBell(int socket) : socket_(socket) {}
    void watch();

    const int socket_;
    std::atomic<std::uint32_t> gone_{0};
    std::thread watcher_;
};

}  // namespace halfcell::server
