#include "schemes/server/host_bell.h"

#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <system_error>

namespace halfcell::server {

namespace {

std::uint64_t address_of(const std::atomic<std::uint32_t>& word) {
    return reinterpret_cast<std::uintptr_t>(&word);
}

}  // namespace

userland::Result<std::unique_ptr<HostBell>> HostBell::create(int socket) {
    std::unique_ptr<HostBell> bell(new HostBell(socket));
    // Signals are for the thread that serves.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = true;
    try {
        bell->watcher_ = std::thread([own = bell.get()] { own->watch(); });
    } catch (const std::system_error&) {
        started = false;
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (!started) return abi::Errno::kEAGAIN;
    return bell;
}

HostBell::~HostBell() {
    ::shutdown(socket_, SHUT_RDWR);
    if (watcher_.joinable()) watcher_.join();
}

void HostBell::watch() {
    pollfd one{socket_, 0, 0};
    while (::poll(&one, 1, -1) < 0 && errno == EINTR) {
    }
    gone_.store(1);
    ::syscall(SYS_futex, &gone_, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

bool HostBell::await(const std::atomic<std::uint32_t>& bell, std::uint32_t seen) {
    futex_waitv words[2] = {};
    words[0] = {.val = seen, .uaddr = address_of(bell), .flags = FUTEX_32, .__reserved = 0};
    words[1] = {
        .val = 0, .uaddr = address_of(gone_), .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG, .__reserved = 0};
    const long woken = ::syscall(SYS_futex_waitv, words, 2, 0, nullptr, 0);
    if (woken < 0 && errno != EAGAIN && errno != EINTR) return false;
    return gone_.load() == 0;
}

void HostBell::ring(std::atomic<std::uint32_t>& bell) {
    bell.fetch_add(1, std::memory_order_seq_cst);
    ::syscall(SYS_futex, &bell, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

}  // namespace halfcell::server
