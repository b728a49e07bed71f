#pragma once

// A server that listens at a path: every run that connects is served for as long as it goes on, all of them
// by one thread and one scheme.

#include <chrono>
#include <memory>
#include <vector>

#include "schemes/server/dispatcher.h"
#include "schemes/server/host_handover.h"

namespace halfcell::server {

class HostListener {
  public:
    // `listener` is a socket that listens and does not block; both outlive this object.
    HostListener(Scheme& scheme, int listener) : scheme_(scheme), listener_(listener) {}

    [[noreturn]] void serve();

  private:
    using Clock = std::chrono::steady_clock;
    // Who has connected, and is not a run yet.
    struct Arrival {
        Descriptor rendezvous;
        Handover handover;
        Clock::time_point deadline;
    };
    struct Run {
        Run(Scheme& scheme, std::unique_ptr<HostTransport> made, std::uint32_t number)
            : transport(std::move(made)), dispatcher(scheme, *transport, number) {}
        const std::unique_ptr<HostTransport> transport;
        Dispatcher dispatcher;
        bool over = false;
    };

    bool serve_runs();
    void pass_on();
    void wait();
    void welcome();
    void go_on_with_arrivals();

    Scheme& scheme_;
    const int listener_;
    std::vector<Arrival> arrivals_;
    std::vector<std::unique_ptr<Run>> runs_;
    std::uint32_t next_run_ = 1;
    bool full_ = false;  // this process may have no more descriptors
};

}  // namespace halfcell::server
