#include "schemes/server/host_listener.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

namespace halfcell::server {

using abi::Errno;
using userland::Result;

namespace {

constexpr std::chrono::seconds kPatience{5};  // with who connects and says nothing
// So many of them at once; then the one that has had the longest time goes. A supervisor needs none, and
// comes again.
constexpr std::size_t kMostArrivals = 256;
// Before the next look at a listener that could not be accepted from.
constexpr std::chrono::milliseconds kPause{100};

}  // namespace

void HostListener::serve() {
    for (;;)
        if (!serve_runs()) wait();
}

// A batch for every run. False where nobody has asked for anything.
bool HostListener::serve_runs() {
    bool busy = false;
    for (const auto& run : runs_) {
        std::array<abi::Sqe, 32> requests;
        const Result<std::size_t> count = run->transport->look(requests);
        if (count) {
            run->dispatcher.take(std::span(requests).first(*count));
        } else {
            run->over = true;
            run->dispatcher.hang_up();
        }
        busy = busy || !count || *count != 0;
    }
    if (!busy) return false;
    std::erase_if(runs_, [](const auto& run) { return run->over; });
    pass_on();
    return true;
}

// What one run has asked for may be what another one waits for.
void HostListener::pass_on() {
    for (bool progress = true; progress;) {
        progress = false;
        for (const auto& run : runs_)
            progress = run->dispatcher.try_again() || progress;
    }
    const std::vector<Scheme::Event> events = scheme_.take_events();
    for (const auto& run : runs_) {
        run->dispatcher.tell(events);
        run->dispatcher.send_completions();
    }
}

// Until a run asks, somebody connects, or a hand-over goes on or takes too long.
void HostListener::wait() {
    std::vector<pollfd> files;
    bool asleep = true;
    for (const auto& run : runs_) {
        asleep = run->transport->fall_asleep() && asleep;
        files.push_back(run->transport->awaited());
    }
    auto until = full_ ? Clock::now() + kPause : Clock::time_point::max();
    for (const Arrival& arrival : arrivals_) {
        files.push_back({arrival.handover.awaited(), POLLIN, 0});
        until = std::min(until, arrival.deadline);
    }
    files.push_back({full_ ? -1 : listener_, POLLIN, 0});
    int timeout = -1;
    if (!asleep) {
        timeout = 0;
    } else if (until != Clock::time_point::max()) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
        timeout = static_cast<int>(std::max<std::int64_t>(left.count(), 0));
    }
    (void)::poll(files.data(), files.size(), timeout);
    for (const auto& run : runs_)
        run->transport->wake();
    go_on_with_arrivals();
    welcome();
}

void HostListener::welcome() {
    for (;;) {
        const int rendezvous = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        full_ = rendezvous < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS);
        if (rendezvous < 0) return;
        Arrival arrival{Descriptor(static_cast<std::uint64_t>(rendezvous)), Handover(rendezvous, next_run_),
                        Clock::now() + kPatience};
        next_run_ = (next_run_ + 1) % Handover::kMostRuns;
        if (arrivals_.size() == kMostArrivals) arrivals_.erase(arrivals_.begin());
        arrivals_.push_back(std::move(arrival));
    }
}

void HostListener::go_on_with_arrivals() {
    const auto now = Clock::now();
    std::erase_if(arrivals_, [&](Arrival& arrival) {
        auto made = arrival.handover.step();
        if (!made && made.error() == Errno::kEAGAIN) {
            if (now < arrival.deadline) return false;
            made = Errno::kETIMEDOUT;
        }
        if (!made) {
            if (made.error() != Errno::kENODEV)
                log(std::string("a connection: ") + abi::errno_text(made.error()));
            return true;
        }
        if (*made == nullptr) return false;
        runs_.push_back(std::make_unique<Run>(scheme_, std::move(*made), arrival.handover.run()));
        return true;
    });
}

}  // namespace halfcell::server
