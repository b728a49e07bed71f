#include "kernel_shim/control/thread_files.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "kernel_shim/host/unique_fd.h"

namespace halfcell::control {

TEST_CASE("a thread that keeps only its three descriptors reaches no others, and takes none away") {
    const host::UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const host::UniqueFd poller(::epoll_create1(EPOLL_CLOEXEC));
    const host::UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    const host::UniqueFd secret(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
    bool kept = false;
    bool reaches_the_secret = true;
    bool signals_blocked = false;
    std::thread([&] {
        if (!keep_only({listener.get(), poller.get(), wake.get()})) return;
        epoll_event event{};
        event.events = EPOLLIN;
        kept = ::epoll_ctl(poller.get(), EPOLL_CTL_ADD, wake.get(), &event) == 0 &&
               ::fcntl(listener.get(), F_GETFD) >= 0;
        reaches_the_secret = ::fcntl(secret.get(), F_GETFD) >= 0;
        sigset_t blocked;
        ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
        signals_blocked = ::sigismember(&blocked, SIGTERM) == 1;
    }).join();
    CHECK(kept);
    CHECK_FALSE(reaches_the_secret);
    CHECK(signals_blocked);
    CHECK(::fcntl(secret.get(), F_GETFD) >= 0);
    CHECK(::fcntl(wake.get(), F_GETFD) >= 0);
}

}  // namespace halfcell::control
