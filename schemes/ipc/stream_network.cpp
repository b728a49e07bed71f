#include "schemes/ipc/stream_network.h"

#include <algorithm>
#include <utility>

#include "abi/flags.h"

// How connections come and go. stream_transfer.cpp: what travels along them.

namespace halfcell::ipc {

using abi::EventFlags;
using State = StreamSocket::State;

namespace {

constexpr const char* kConnect = "UdsStreamScheme::connect";
constexpr const char* kAccept = "UdsStreamScheme::listen";

}  // namespace

// The lock must be held.
void StreamNetwork::leave_listener(StreamSocket& client) {
    if (client.state != State::kConnecting) return;
    if (const StreamRef listener = client.peer.lock())
        std::erase_if(listener->clients, [&](const StreamRef& waiting) { return waiting.get() == &client; });
}

// Nobody will accept them. The lock must be held.
void StreamNetwork::refuse_clients(SocketLock& lock, StreamSocket& listener) {
    for (const StreamRef& client : std::exchange(listener.clients, {})) {
        client->state = State::kClosed;
        client->changed.notify_all();
        lock.report(client->number, EventFlags::kEventRead);
    }
}

Result<void> StreamNetwork::listen(StreamSocket& socket) {
    SocketLock lock(hub_);
    if (socket.state != State::kUnbound) return fail(Errno::kEINVAL);
    socket.state = State::kListening;
    return {};
}

Result<void> StreamNetwork::queue_client(const StreamRef& client, const StreamRef& listener) {
    SocketLock lock(hub_);
    if (listener->state == State::kClosed) return fail(Errno::kEPIPE);
    client->state = State::kConnecting;
    client->peer = listener;
    listener->clients.push_back(client);
    listener->changed.notify_all();
    lock.report(listener->number, EventFlags::kEventRead | EventFlags::kEventWrite);
    return {};
}

Result<void> StreamNetwork::connect(const StreamRef& client, const StreamRef& listener,
                                    const Patience& patience) {
    SocketLock lock(hub_);
    if (client->state == State::kConnected) {
        if (client->connect_answered) return fail(Errno::kEISCONN);
        client->connect_answered = true;
        return {};
    }
    const bool waits_already = client->state == State::kConnecting && client->peer.lock() == listener;
    if (!waits_already) {
        // Upstream lets a socket wait for itself and panics (safer).
        if (listener->state != State::kListening || client == listener) return fail(Errno::kECONNREFUSED);
        leave_listener(*client);
        refuse_clients(lock, *client);
        client->state = State::kConnecting;
        client->peer = listener;
        listener->clients.push_back(client);
        listener->changed.notify_all();
        lock.report(listener->number, EventFlags::kEventRead | EventFlags::kEventWrite);
    }
    while (client->state == State::kConnecting)
        TRY(await_change(lock, *client, patience, kConnect));
    if (client->state != State::kConnected) return fail(Errno::kECONNREFUSED);
    client->connect_answered = true;
    return {};
}

Result<void> StreamNetwork::accept(const StreamRef& listener, const StreamRef& fresh,
                                   const Patience& patience) {
    SocketLock lock(hub_);
    for (;;) {
        if (listener->state != State::kListening) return fail(Errno::kEINVAL);
        if (!listener->clients.empty()) break;
        TRY(await_change(lock, *listener, patience, kAccept));
    }
    const StreamRef client = std::move(listener->clients.front());
    listener->clients.pop_front();
    fresh->state = State::kConnected;
    fresh->connect_answered = true;
    fresh->passes_credentials = listener->passes_credentials;
    fresh->path = listener->path;
    fresh->peer = client;
    fresh->incoming.take_packets(client->incoming);
    client->state = State::kConnected;
    client->peer = fresh;
    client->changed.notify_all();
    lock.report(client->number, rules_.accepted_events);
    return {};
}

Result<StreamRef> StreamNetwork::peer_of(const StreamSocket& socket) {
    SocketLock lock(hub_);
    if (socket.state == State::kUnbound || socket.state == State::kListening) return fail(Errno::kEPROTO);
    StreamRef peer = socket.peer.lock();
    if (peer == nullptr || peer->state == State::kClosed) return fail(Errno::kEPIPE);
    return peer;
}

std::uint64_t StreamNetwork::ready(const StreamSocket& socket) {
    SocketLock lock(hub_);
    const bool early = rules_.early_writes == StreamRules::EarlyWrites::kKept;
    const std::uint64_t early_write = early ? EventFlags::kEventWrite : 0;
    switch (socket.state) {
        case State::kUnbound:
            return 0;
        case State::kListening:
            return socket.clients.empty() ? 0
                                          : EventFlags::kEventRead | (early ? 0 : EventFlags::kEventWrite);
        case State::kConnecting:
            return early_write;
        case State::kClosed:
            return EventFlags::kEventRead | early_write;
        case State::kConnected:
            break;
    }
    const StreamRef peer = socket.peer.lock();
    const bool alive = peer != nullptr && peer->state != State::kClosed;
    std::uint64_t ready = 0;
    if (!socket.incoming.empty() || socket.incoming.descriptors() != 0 || !alive)
        ready |= EventFlags::kEventRead;
    // A write to a peer that is gone does not wait either.
    if (!alive || peer->incoming.has_room()) ready |= EventFlags::kEventWrite;
    return ready;
}

void StreamNetwork::close(StreamSocket& socket) {
    SocketLock lock(hub_);
    leave_listener(socket);
    refuse_clients(lock, socket);
    if (const StreamRef peer = socket.peer.lock(); peer != nullptr && socket.state == State::kConnected) {
        peer->changed.notify_all();
        if (peer->state != State::kClosed) lock.report(peer->number, EventFlags::kEventRead);
    }
    lock.drop(socket.incoming.take_descriptors(socket.incoming.descriptors()));
    socket.state = State::kClosed;
    socket.changed.notify_all();
}

}  // namespace halfcell::ipc
