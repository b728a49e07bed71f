#include <algorithm>
#include <utility>

#include "abi/flags.h"
#include "schemes/ipc/stream_network.h"

// What travels along connections.

namespace halfcell::ipc {

using abi::EventFlags;
using State = StreamSocket::State;

namespace {

constexpr const char* kRead = "UdsStreamScheme::read";
constexpr const char* kWrite = "UdsStreamScheme::write";
constexpr const char* kReceiveDescriptors = "UdsStreamScheme::recvfd";

}  // namespace

Result<StreamNetwork::Target> StreamNetwork::target_of(StreamSocket& socket) const {
    StreamRef peer = socket.peer.lock();
    switch (socket.state) {
        case State::kUnbound:
        case State::kListening:
            return fail(rules_.write_unconnected);
        case State::kClosed:
            return fail(Errno::kEPIPE);
        case State::kConnecting:
            if (rules_.early_writes == StreamRules::EarlyWrites::kWait) return Target{nullptr, nullptr};
            return Target{std::move(peer), &socket.incoming};
        case State::kConnected:
            break;
    }
    if (peer == nullptr || peer->state == State::kClosed) return fail(Errno::kEPIPE);
    PacketQueue& queue = peer->incoming;
    return Target{std::move(peer), &queue};
}

Result<std::uint64_t> StreamNetwork::write(StreamSocket& socket, const mem::UserIn& from,
                                           const Credentials& sender, const Patience& patience) {
    Packet packet{.payload = std::vector<std::byte>(std::min(from.size(), PacketQueue::kCapacity)),
                  .sender = sender,
                  .name = {}};
    TRY(from.read(0, packet.payload));
    SocketLock lock(hub_);
    for (;;) {
        const Target target = TRY(target_of(socket));
        if (target.end != nullptr && target.queue->has_room()) {
            // Upstream names the receiver here, where a message names its sender.
            packet.name = target.end->path;
            const std::uint64_t size = packet.payload.size();
            if (size != 0) TRY(target.queue->push(std::move(packet)));
            target.end->changed.notify_all();
            lock.report(target.end->number, EventFlags::kEventRead);
            return size;
        }
        TRY(await_change(lock, socket, patience, kWrite));
    }
}

Result<std::uint64_t> StreamNetwork::send(StreamSocket& socket, Packet packet, const Patience& patience) {
    SocketLock lock(hub_);
    for (;;) {
        const Target target = TRY(target_of(socket));
        if (socket.state == State::kConnecting) return fail(Errno::kENOTCONN);
        // POSIX: without bytes nothing is sent on a stream, also not what came along.
        const std::uint64_t size = packet.payload.size();
        if (size == 0) return 0;
        if (target.queue->has_room()) {
            packet.name = socket.path;
            TRY(target.queue->push(std::move(packet)));
            target.end->changed.notify_all();
            lock.report(target.end->number, EventFlags::kEventRead);
            return size;
        }
        TRY(await_change(lock, socket, patience, kWrite));
    }
}

Result<bool> StreamNetwork::await_packets(SocketLock& lock, StreamSocket& socket,
                                          const Patience& patience) const {
    for (;;) {
        socket.receiving.await(lock);
        switch (socket.state) {
            case State::kUnbound:
                return fail(Errno::kENOTCONN);
            case State::kListening:
                return fail(rules_.read_listener);
            case State::kClosed:
                return false;
            case State::kConnecting:
                break;
            case State::kConnected: {
                if (!socket.incoming.empty()) return true;
                const StreamRef peer = socket.peer.lock();
                if (peer == nullptr || peer->state == State::kClosed) return false;
                break;
            }
        }
        TRY(await_change(lock, socket, patience, kRead));
    }
}

Result<std::uint64_t> StreamNetwork::read(StreamSocket& socket, const mem::UserOut& to,
                                          const Patience& patience) {
    if (to.empty()) return 0;
    return receive(socket, to.size(), copy_bytes_to(to), patience);
}

Result<std::uint64_t> StreamNetwork::receive(StreamSocket& socket, std::uint64_t most,
                                             const CopyOut& copy_out, const Patience& patience) {
    SocketLock lock(hub_);
    const bool more = TRY(await_packets(lock, socket, patience));
    const Received received = more ? socket.incoming.first_bytes(most) : Received{};
    const std::uint64_t answer = TRY(hand_out(lock, socket, received, copy_out));
    const bool had_room = socket.incoming.has_room();
    socket.incoming.consume_bytes(received.size);
    if (const StreamRef peer = socket.peer.lock(); peer != nullptr && received.size != 0) {
        peer->changed.notify_all();
        if (!had_room && socket.incoming.has_room()) lock.report(peer->number, EventFlags::kEventWrite);
    }
    return answer;
}

Result<std::uint64_t> StreamNetwork::send_descriptors(StreamSocket& socket,
                                                      std::vector<scheme::DescriptionRef>& descriptors) {
    SocketLock lock(hub_);
    const Target target = TRY(target_of(socket));
    if (socket.state == State::kConnecting) return fail(Errno::kENOTCONN);
    if (!target.queue->has_room_for(descriptors.size())) return fail(Errno::kENOBUFS);
    const std::uint64_t count = descriptors.size();
    TRY(target.queue->push_descriptors(std::move(descriptors)));
    target.end->changed.notify_all();
    lock.report(target.end->number, EventFlags::kEventRead);
    return count;
}

Result<std::vector<scheme::DescriptionRef>> StreamNetwork::receive_descriptors(StreamSocket& socket,
                                                                               std::uint64_t count,
                                                                               const Patience& patience) {
    SocketLock lock(hub_);
    for (;;) {
        if (socket.state == State::kClosed) return fail(Errno::kEPIPE);
        if (socket.state == State::kListening) return fail(Errno::kEOPNOTSUPP);
        if (socket.state != State::kConnected) return fail(Errno::kENOTCONN);
        if (socket.incoming.descriptors() >= count) return socket.incoming.take_descriptors(count);
        const StreamRef peer = socket.peer.lock();
        if (peer == nullptr || peer->state == State::kClosed) return std::vector<scheme::DescriptionRef>{};
        TRY(await_change(lock, socket, patience, kReceiveDescriptors));
    }
}

void StreamNetwork::return_descriptors(StreamSocket& socket,
                                       std::vector<scheme::DescriptionRef> descriptors) {
    SocketLock lock(hub_);
    if (socket.state == State::kClosed) {
        lock.drop(std::move(descriptors));
        return;
    }
    socket.incoming.return_descriptors(std::move(descriptors));
    socket.changed.notify_all();
}

}  // namespace halfcell::ipc
