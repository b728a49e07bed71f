#include "schemes/stdio/host_watcher.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>

#include <array>
#include <system_error>
#include <utility>

#include "abi/flags.h"
#include "kernel_shim/host/sys.h"

namespace halfcell::schemes {

namespace {

// No handle has this number: the eventfd that ends the thread.
constexpr std::uint64_t kStop = UINT64_MAX;

}  // namespace

HostWatcher::~HostWatcher() {
    std::thread thread;
    state_.with([&](State& state) {
        if (state.stop.is_open()) (void)host::signal_event(state.stop.get(), 1);
        thread = std::move(state.thread);
    });
    if (thread.joinable()) thread.join();
}

std::uint64_t HostWatcher::ready(const HostFile& file, std::uint64_t flags) {
    short events = 0;
    if ((flags & abi::EventFlags::kEventRead) != 0) events |= POLLIN;
    if ((flags & abi::EventFlags::kEventWrite) != 0) events |= POLLOUT;
    const short seen = file.ready(events);
    std::uint64_t now = 0;
    // A hang-up or an error is something a read or write will tell.
    if ((seen & (POLLIN | POLLHUP | POLLERR)) != 0) now |= abi::EventFlags::kEventRead;
    if ((seen & (POLLOUT | POLLERR)) != 0) now |= abi::EventFlags::kEventWrite;
    return now & flags;
}

bool HostWatcher::start(State& state) {
    if (state.thread.joinable()) return true;
    host::UniqueFd poller(::epoll_create1(EPOLL_CLOEXEC));
    auto stop = host::create_event(host::Blocking::kNo);
    if (!poller.is_open() || !stop) return false;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = kStop;
    if (::epoll_ctl(poller.get(), EPOLL_CTL_ADD, stop->get(), &event) != 0) return false;
    try {
        state.thread = std::thread([this, file = poller.get()] { run(file); });
    } catch (const std::system_error&) {
        return false;
    }
    state.poller = std::move(poller);
    state.stop = std::move(*stop);
    return true;
}

std::uint64_t HostWatcher::watch(HandleNumber handle, const std::shared_ptr<HostFile>& file,
                                 std::uint64_t flags, Initial initial) {
    flags &= abi::EventFlags::kEventRead | abi::EventFlags::kEventWrite;
    return state_.with([&](State& state) -> std::uint64_t {
        if (const auto old = state.watches.find(handle.value()); old != state.watches.end()) {
            // Closing the duplicate is not enough: the poller knows the file as long as any duplicate lives.
            ::epoll_ctl(state.poller.get(), EPOLL_CTL_DEL, old->second.watched.get(), nullptr);
            state.watches.erase(old);
        }
        if (flags == 0) return 0;
        Watch watch{file, host::UniqueFd(::fcntl(file->file(), F_DUPFD_CLOEXEC, 3)), flags};
        if (!watch.watched.is_open() || !start(state))
            return initial == Initial::kReturn ? ready(*file, flags) : 0;
        epoll_event event{};
        event.events = EPOLLET;
        if ((flags & abi::EventFlags::kEventRead) != 0) event.events |= EPOLLIN;
        if ((flags & abi::EventFlags::kEventWrite) != 0) event.events |= EPOLLOUT;
        event.data.u64 = handle.value();
        const bool added = ::epoll_ctl(state.poller.get(), EPOLL_CTL_ADD, watch.watched.get(), &event) == 0;
        // Asked after the file was added: what is ready now has made, or will make, an edge.
        const std::uint64_t now = initial == Initial::kReturn ? ready(*file, flags) : 0;
        if (!added) return now;
        watch.skip_edge = now != 0;
        state.watches.emplace(handle.value(), std::move(watch));
        return now;
    });
}

void HostWatcher::unwatch(HandleNumber handle) {
    watch(handle, nullptr, 0, Initial::kReturn);
}

void HostWatcher::look_again(HandleNumber handle) {
    const std::uint64_t now = state_.with([&](State& state) -> std::uint64_t {
        const auto it = state.watches.find(handle.value());
        if (it == state.watches.end()) return 0;
        it->second.skip_edge = false;
        return ready(*it->second.file, it->second.flags);
    });
    if (now != 0) report_(handle, now);
}

void HostWatcher::run(int poller) {
    for (;;) {
        std::array<epoll_event, 8> events;
        const int count = host::retry_interrupted(
            [&] { return ::epoll_wait(poller, events.data(), static_cast<int>(events.size()), -1); });
        for (int i = 0; i < count; ++i) {
            const std::uint64_t handle = events[static_cast<std::size_t>(i)].data.u64;
            if (handle == kStop) return;
            const std::uint64_t now = state_.with([&](State& state) -> std::uint64_t {
                const auto it = state.watches.find(handle);
                if (it == state.watches.end() || std::exchange(it->second.skip_edge, false)) return 0;
                return ready(*it->second.file, it->second.flags);
            });
            if (now != 0) report_(HandleNumber{handle}, now);
        }
    }
}

}  // namespace halfcell::schemes
