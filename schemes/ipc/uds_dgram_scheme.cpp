#include "schemes/ipc/uds_dgram_scheme.h"

#include <algorithm>
#include <utility>

namespace halfcell::ipc {

using abi::EventFlags;
using scheme::Caller;
using scheme::OpenedHandle;
using scheme::OpenResult;

namespace {

constexpr const char* kRead = "UdsDgramScheme::read";
constexpr const char* kWrite = "UdsDgramScheme::write";
constexpr const char* kReceiveDescriptors = "UdsDgramScheme::recvfd";

constexpr std::uint64_t kLongestWrite = 65536;

// Every handle of the scheme is a socket it made itself.
DgramSocket& dgram(Socket& socket) {
    return static_cast<DgramSocket&>(socket);
}
std::shared_ptr<DgramSocket> dgram(const std::shared_ptr<Socket>& socket) {
    return std::static_pointer_cast<DgramSocket>(socket);
}

}  // namespace

UdsDgramScheme::SocketRef UdsDgramScheme::make_socket(const Caller&, HandleNumber number,
                                                      std::uint64_t flags) {
    return std::make_shared<DgramSocket>(number, flags, memory_);
}

Result<OpenResult> UdsDgramScheme::dup(const Caller& caller, HandleNumber number, const mem::UserIn& name) {
    const SocketRef socket = TRY(handles_.find(number));
    const std::string wanted = TRY(dup_name(name));
    if (wanted == "connect") return add_peer(dgram(socket));
    if (wanted == "listen") return OpenedHandle{.number = handles_.add(socket)};
    if (wanted == "recvfd") return receive_one(*socket, caller.waiter);
    return fail(Errno::kEINVAL);
}

Result<OpenResult> UdsDgramScheme::add_peer(const DgramRef& socket) {
    DgramRef fresh;
    // Not with the socket's flags, as upstream.
    const HandleNumber number = handles_.add_numbered([&](HandleNumber own_number) {
        return fresh = std::make_shared<DgramSocket>(own_number, 0, memory_);
    });
    SocketLock lock(hub_);
    if (socket->closed) {
        lock.unlock();
        (void)handles_.remove(number);
        return fail(Errno::kECONNREFUSED);
    }
    fresh->peer = socket;
    socket->peer = fresh;
    fresh->has_peer = socket->has_peer = true;
    lock.report(socket->number, EventFlags::kEventRead | EventFlags::kEventWrite);
    return OpenedHandle{.number = number};
}

Result<void> UdsDgramScheme::change_to_bound(Socket& socket) {
    if (socket.token || dgram(socket).closed) return fail(Errno::kEINVAL);
    return {};
}

Result<void> UdsDgramScheme::change_to_unbound(Socket& socket) {
    if (dgram(socket).closed) return fail(Errno::kEINVAL);
    return {};
}

Result<std::uint64_t> UdsDgramScheme::connect(const SocketRef& socket, const SocketRef& target,
                                              const Patience&) {
    SocketLock lock(hub_);
    dgram(*socket).peer = dgram(target);
    dgram(*socket).has_peer = true;
    return 0;
}

Result<UdsDgramScheme::DgramRef> UdsDgramScheme::peer_of(const DgramSocket& socket) {
    if (!socket.has_peer) return fail(Errno::kENOTCONN);
    DgramRef peer = socket.peer.lock();
    if (peer == nullptr || peer->closed) return fail(Errno::kEPIPE);
    return peer;
}

Result<UdsDgramScheme::SocketRef> UdsDgramScheme::peer(Socket& socket) {
    SocketLock lock(hub_);
    return TRY(peer_of(dgram(socket)));
}

Result<std::uint64_t> UdsDgramScheme::send_bytes(Socket& socket, const mem::UserIn& from,
                                                 const Credentials& sender, const Patience& patience) {
    if (from.size() > kLongestWrite) return fail(Errno::kEMSGSIZE);
    Packet packet{.payload = std::vector<std::byte>(from.size()), .sender = sender, .name = {}};
    TRY(from.read(0, packet.payload));
    return send(socket, std::move(packet), patience);
}

Result<std::uint64_t> UdsDgramScheme::send(Socket& socket, Packet packet, const Patience& patience) {
    SocketLock lock(hub_);
    for (;;) {
        if (dgram(socket).closed) return fail(Errno::kEPIPE);
        const DgramRef peer = TRY(peer_of(dgram(socket)));
        if (peer->incoming.has_room()) {
            const std::uint64_t size = packet.payload.size();
            packet.name = socket.path;
            TRY(peer->incoming.push(std::move(packet)));
            peer->changed.notify_all();
            lock.report(peer->number, EventFlags::kEventRead);
            return size;
        }
        if (patience.nonblocking) return fail(Errno::kEAGAIN);
        TRY(senders_.wait(lock, patience.waiter, kWrite));
    }
}

Result<std::uint64_t> UdsDgramScheme::receive_bytes(Socket& socket, const mem::UserOut& to,
                                                    const Patience& patience) {
    return receive(socket, to.size(), copy_bytes_to(to), patience);
}

Result<std::uint64_t> UdsDgramScheme::receive(Socket& socket, std::uint64_t, const CopyOut& copy_out,
                                              const Patience& patience) {
    SocketLock lock(hub_);
    for (;;) {
        socket.receiving.await(lock);
        if (!socket.incoming.empty()) break;
        TRY(await_change(lock, socket, patience, kRead));
    }
    const std::uint64_t answer = TRY(hand_out(lock, socket, socket.incoming.first_packet(), copy_out));
    const bool had_room = socket.incoming.has_room();
    socket.incoming.consume_packet();
    senders_.notify_all();
    const DgramRef peer = dgram(socket).peer.lock();
    if (!had_room && peer != nullptr && socket.incoming.has_room())
        lock.report(peer->number, EventFlags::kEventWrite);
    return answer;
}

Result<std::uint64_t> UdsDgramScheme::send_descriptors(Socket& socket,
                                                       std::vector<scheme::DescriptionRef>& descriptors) {
    if (descriptors.empty()) return 0;
    SocketLock lock(hub_);
    const DgramRef peer = TRY(peer_of(dgram(socket)));
    if (!peer->incoming.has_room_for(descriptors.size())) return fail(Errno::kENOBUFS);
    const std::uint64_t count = descriptors.size();
    TRY(peer->incoming.push_descriptors(std::move(descriptors)));
    peer->changed.notify_all();
    lock.report(peer->number, EventFlags::kEventRead);
    return count;
}

Result<std::vector<scheme::DescriptionRef>> UdsDgramScheme::receive_descriptors(Socket& socket,
                                                                                std::uint64_t count,
                                                                                const Patience& patience) {
    SocketLock lock(hub_);
    while (socket.incoming.descriptors() < count)
        TRY(await_change(lock, socket, patience, kReceiveDescriptors));
    return socket.incoming.take_descriptors(count);
}

void UdsDgramScheme::return_descriptors(Socket& socket, std::vector<scheme::DescriptionRef> descriptors) {
    SocketLock lock(hub_);
    if (dgram(socket).closed) {
        lock.drop(std::move(descriptors));
        return;
    }
    socket.incoming.return_descriptors(std::move(descriptors));
    socket.changed.notify_all();
}

std::uint64_t UdsDgramScheme::ready(Socket& socket) {
    SocketLock lock(hub_);
    std::uint64_t ready = 0;
    if (!socket.incoming.empty()) ready |= EventFlags::kEventRead;
    if (!dgram(socket).has_peer) return ready;
    const auto peer = peer_of(dgram(socket));
    if (!peer || (*peer)->incoming.has_room()) ready |= EventFlags::kEventWrite;
    return ready;
}

void UdsDgramScheme::closed(HandleNumber number, const SocketRef& socket) {
    if (number != socket->number) return;
    {
        SocketLock lock(hub_);
        dgram(*socket).closed = true;
        dgram(*socket).has_peer = false;
        lock.drop(socket->incoming.take_descriptors(socket->incoming.descriptors()));
        // Senders that wait for room here find it gone.
        senders_.notify_all();
    }
    forget_name(*socket);
}

}  // namespace halfcell::ipc
