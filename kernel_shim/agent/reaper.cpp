#include "kernel_shim/agent/reaper.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

#include "kernel_shim/agent/signal_mask.h"
#include "kernel_shim/base/check.h"
#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/host/pidfd.h"
#include "kernel_shim/host/sys.h"

namespace halfcell::agent {

namespace {

// How long a thread may take to park before anybody looks at it, and the time between looks.
constexpr long kParkPatience = 200'000'000;

Result<void> add_to_poll(int poll, int file) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = file;
    if (epoll_ctl(poll, EPOLL_CTL_ADD, file, &event) != 0) return fail(host::last_error());
    return {};
}

}  // namespace

Result<std::unique_ptr<Reaper>> Reaper::create() {
    host::UniqueFd poll(epoll_create1(EPOLL_CLOEXEC));
    if (!poll.is_open()) return fail(host::last_error());
    host::UniqueFd quit = TRY(host::create_event(host::Blocking::kNo));
    host::UniqueFd timer(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!timer.is_open()) return fail(host::last_error());
    TRY(add_to_poll(poll.get(), quit.get()));
    TRY(add_to_poll(poll.get(), timer.get()));
    std::unique_ptr<Reaper> reaper(new Reaper(std::move(poll), std::move(quit), std::move(timer)));
    try {
        reaper->thread_ = std::thread([self = reaper.get()] { self->loop(); });
    } catch (const std::system_error&) {
        return fail(Errno::kEAGAIN);
    }
    return reaper;
}

Reaper::Reaper(host::UniqueFd poll, host::UniqueFd quit, host::UniqueFd timer)
    : poll_(std::move(poll)), quit_(std::move(quit)), timer_(std::move(timer)) {}

Reaper::~Reaper() {
    if (!thread_.joinable()) return;
    (void)host::signal_event(quit_.get(), 1);
    thread_.join();
}

Result<void> Reaper::watch(std::shared_ptr<AgentProcess> process) {
    const int descriptor = process->descriptor();
    books_.with([&](Books& books) { books.processes.emplace(descriptor, std::move(process)); });
    const auto added = add_to_poll(poll_.get(), descriptor);
    if (!added) books_.with([&](Books& books) { books.processes.erase(descriptor); });
    return added;
}

void Reaper::expect_park(std::shared_ptr<ParkState> state) {
    const bool first = books_.with([&](Books& books) {
        books.parks.push_back(std::move(state));
        return books.parks.size() == 1;
    });
    if (first) arm_timer();
}

void Reaper::arm_timer() {
    itimerspec when{};
    when.it_value.tv_nsec = kParkPatience;
    timerfd_settime(timer_.get(), 0, &when, nullptr);
}

void Reaper::loop() {
    pthread_setname_np(pthread_self(), "reaper");
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    std::array<epoll_event, 16> events{};
    for (;;) {
        const int count = host::retry_interrupted(
            [&] { return epoll_wait(poll_.get(), events.data(), static_cast<int>(events.size()), -1); });
        HC_CHECK(count >= 0, "the reaper cannot wait");
        for (int i = 0; i < count; ++i) {
            const int file = events[static_cast<std::size_t>(i)].data.fd;
            if (file == quit_.get()) return;
            if (file == timer_.get()) {
                (void)host::take_event(file);
                examine_parks();
            } else {
                process_ended(file);
            }
        }
    }
}

void Reaper::process_ended(int descriptor) {
    auto process = books_.with([&](Books& books) {
        const auto found = books.processes.find(descriptor);
        HC_CHECK(found != books.processes.end(), "an unknown process has ended");
        return found->second;
    });
    if (!process->reap()) return;
    books_.with([&](Books& books) { books.processes.erase(descriptor); });
    epoll_ctl(poll_.get(), EPOLL_CTL_DEL, descriptor, nullptr);
    AgentProcess::reaped(std::move(process));
}

// A thread that was asked to park and has not done so is in a call (it parks after the answer), waits for a
// CPU, or has blocked the park signal through a forged signal frame. Only the last one is killed: the signal
// is blocked and pending while it is in a call of the guest's own, where the mask is empty by right, or at
// two looks in a row between which it has used its CPU. (Between signal and PARK, all signals are blocked by
// right; those are microseconds of CPU time.)
void Reaper::examine_parks() {
    auto states = books_.with([](Books& books) { return std::exchange(books.parks, {}); });
    std::vector<std::shared_ptr<ParkState>> remaining;
    for (auto& state : states) {
        const std::uint64_t call = state->call;
        const auto process = state->process.lock();
        const bool waiting = process && state->signalled && !state->gone;
        const SignalLook look =
            waiting ? look_at_signal(process->id(), state->thread, kParkSignal) : SignalLook{};
        const bool hides = look.blocked && look.pending;
        const bool proven = hides && (call != 0 ? state->call == call
                                                : state->suspected && look.cpu_ticks > state->cpu_ticks + 1);
        if (proven) {
            process->kill();
        } else if (waiting && (hides || call == 0)) {
            if (!state->suspected || !hides) state->cpu_ticks = look.cpu_ticks;
            state->suspected = hides;
            remaining.push_back(std::move(state));
            continue;
        }
        // From here on the worker puts it back on the list when it answers the call and the request still
        // stands; unless it did so a moment ago and took the old entry for granted.
        state->suspected = false;
        state->watched = false;
        if (process && state->signalled && state->call == 0 && !state->gone && !state->watched.exchange(true))
            remaining.push_back(std::move(state));
    }
    if (remaining.empty()) return;
    books_.with([&](Books& books) {
        books.parks.insert(books.parks.end(), std::make_move_iterator(remaining.begin()),
                           std::make_move_iterator(remaining.end()));
    });
    arm_timer();
}

}  // namespace halfcell::agent
