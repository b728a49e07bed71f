#pragma once

// How a connection to a supervisor comes about (host_protocol.h, from the server's side).

#include <cstdint>
#include <memory>

#include "schemes/server/host_transport.h"

namespace halfcell::server {

// A hand-over step by step, for who waits for other things too.
class Handover {
  public:
    // The rendezvous socket stays the caller's. `run` is below kMostRuns, and nobody else's meanwhile.
    explicit Handover(int rendezvous, std::uint32_t run) : rendezvous_(rendezvous), run_(run) {}

    static constexpr std::uint32_t kMostRuns = std::uint32_t{1} << 31;

    [[nodiscard]] std::uint32_t run() const { return run_; }
    // What to wait for before the next step.
    [[nodiscard]] int awaited() const {
        return connection_ ? static_cast<int>(connection_.number()) : rendezvous_;
    }
    // Null: there are more steps. Does not wait: EAGAIN (nothing has come); ENODEV, EPROTO, ENOMEM.
    userland::Result<std::unique_ptr<HostTransport>> step();

  private:
    userland::Result<void> take_offer();
    userland::Result<std::unique_ptr<HostTransport>> adopt();

    int rendezvous_;
    std::uint32_t run_;
    Descriptor connection_;
};

}  // namespace halfcell::server
