#pragma once

// One socket of a scheme of connections: what listens, connects, or is connected.
// Source: base:ipcd/src/uds/stream.rs Socket, chan.rs Handle.

#include <deque>
#include <memory>

#include "schemes/ipc/socket.h"

namespace halfcell::ipc {

struct StreamSocket final : Socket {
    // kUnbound → kListening (bind or the first accept) · kUnbound, kListening, kClosed → kConnecting
    // (connect) · kConnecting → kConnected (the listener accepts) or kClosed (the listener goes) · new
    // sockets of an accept begin as kConnected. A peer's end leaves the state alone: what it sent can still
    // be read.
    enum class State : std::uint8_t { kUnbound, kListening, kConnecting, kConnected, kClosed };

    StreamSocket(HandleNumber the_number, std::uint64_t the_flags,
                 const std::shared_ptr<MemoryBudget>& memory, Credentials the_owner = {})
        : Socket(the_number, the_flags, memory), owner(the_owner) {}

    const Credentials owner;  // whoever made it: what its peer is told by SO_PEERCRED

    // --- guarded like the rest. While it connects, `incoming` holds what it sends itself.
    State state = State::kUnbound;
    bool connect_answered = false;                      // a connect has returned since it is connected
    std::deque<std::shared_ptr<StreamSocket>> clients;  // that wait for an accept
    std::weak_ptr<StreamSocket> peer;                   // the listener while it connects
};

using StreamRef = std::shared_ptr<StreamSocket>;

}  // namespace halfcell::ipc
