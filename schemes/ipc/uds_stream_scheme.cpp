#include "schemes/ipc/uds_stream_scheme.h"

#include <utility>

namespace halfcell::ipc {

using abi::EventFlags;
using abi::SocketConstant;
using scheme::Caller;
using scheme::OpenResult;
using State = StreamSocket::State;

namespace {

constexpr StreamRules kRules{.read_listener = Errno::kEOPNOTSUPP,
                             .write_unconnected = Errno::kEPROTO,
                             .early_writes = StreamRules::EarlyWrites::kKept,
                             .accepted_events = EventFlags::kEventRead | EventFlags::kEventWrite};

constexpr std::int32_t kSendBuffer = 212992;

// Every handle of the scheme is a socket it made itself.
StreamSocket& stream(Socket& socket) {
    return static_cast<StreamSocket&>(socket);
}
StreamRef stream(const std::shared_ptr<Socket>& socket) {
    return std::static_pointer_cast<StreamSocket>(socket);
}

}  // namespace

UdsStreamScheme::UdsStreamScheme(RealCredentials real_credentials, std::shared_ptr<MemoryBudget> memory)
    : UdsScheme("uds_stream", std::move(real_credentials), std::move(memory)), network_(kRules, hub_) {}

UdsStreamScheme::SocketRef UdsStreamScheme::make_socket(const Caller& caller, HandleNumber number,
                                                        std::uint64_t flags) {
    return std::make_shared<StreamSocket>(number, flags, memory_,
                                          Credentials{.pid = static_cast<std::int32_t>(caller.pid),
                                                      .uid = static_cast<std::int32_t>(caller.uid),
                                                      .gid = static_cast<std::int32_t>(caller.gid)});
}

StreamRef UdsStreamScheme::add_socket(const Caller& caller, std::uint64_t flags) {
    StreamRef added;
    handles_.add_numbered([&](HandleNumber number) {
        SocketRef socket = make_socket(caller, number, flags);
        added = stream(socket);
        return socket;
    });
    return added;
}

Result<OpenResult> UdsStreamScheme::dup(const Caller& caller, HandleNumber number, const mem::UserIn& name) {
    const SocketRef socket = TRY(handles_.find(number));
    const std::string wanted = TRY(dup_name(name));
    if (wanted == "listen") return accept(caller, stream(socket));
    if (wanted == "connect") return add_client(caller, stream(socket));
    if (wanted == "recvfd") return receive_one(*socket, caller.waiter);
    return fail(Errno::kEINVAL);
}

Result<OpenResult> UdsStreamScheme::accept(const Caller& caller, const StreamRef& listener) {
    // The first accept of a socket without a name, as in socketpair, makes it listen.
    (void)network_.listen(*listener);
    const StreamRef fresh = add_socket(caller, listener->flags.get());
    return keep_if(network_.accept(listener, fresh, patience(caller, *listener)), fresh->number);
}

Result<OpenResult> UdsStreamScheme::add_client(const Caller& caller, const StreamRef& listener) {
    const StreamRef fresh = add_socket(caller, listener->flags.get());
    return keep_if(network_.queue_client(fresh, listener), fresh->number);
}

// libc's listen() does nothing, so a bind is also that.
Result<void> UdsStreamScheme::change_to_bound(Socket& socket) {
    if (stream(socket).state != State::kUnbound) return fail(Errno::kEINVAL);
    stream(socket).state = State::kListening;
    return {};
}

// Upstream refuses, since a bound socket listens: after a bind whose file could not be made the name stays
// taken (safer).
Result<void> UdsStreamScheme::change_to_unbound(Socket& socket) {
    if (stream(socket).state != State::kListening || !stream(socket).clients.empty())
        return fail(Errno::kEINVAL);
    stream(socket).state = State::kUnbound;
    return {};
}

Result<std::uint64_t> UdsStreamScheme::connect(const SocketRef& socket, const SocketRef& target,
                                               const Patience& patience) {
    TRY(network_.connect(stream(socket), stream(target), patience));
    return 0;
}

Result<UdsStreamScheme::SocketRef> UdsStreamScheme::peer(Socket& socket) {
    return TRY(network_.peer_of(stream(socket)));
}

Result<std::uint64_t> UdsStreamScheme::send_bytes(Socket& socket, const mem::UserIn& from,
                                                  const Credentials& sender, const Patience& patience) {
    return network_.write(stream(socket), from, sender, patience);
}

Result<std::uint64_t> UdsStreamScheme::send(Socket& socket, Packet packet, const Patience& patience) {
    return network_.send(stream(socket), std::move(packet), patience);
}

Result<std::uint64_t> UdsStreamScheme::receive_bytes(Socket& socket, const mem::UserOut& to,
                                                     const Patience& patience) {
    return network_.read(stream(socket), to, patience);
}

Result<std::uint64_t> UdsStreamScheme::receive(Socket& socket, std::uint64_t most, const CopyOut& copy_out,
                                               const Patience& patience) {
    {
        SocketLock lock(hub_);
        // A plain read waits for the accept.
        if (stream(socket).state == State::kConnecting) return fail(Errno::kENOTCONN);
    }
    return network_.receive(stream(socket), most, copy_out, patience);
}

Result<std::uint64_t> UdsStreamScheme::send_descriptors(Socket& socket,
                                                        std::vector<scheme::DescriptionRef>& descriptors) {
    return network_.send_descriptors(stream(socket), descriptors);
}

Result<std::vector<scheme::DescriptionRef>> UdsStreamScheme::receive_descriptors(Socket& socket,
                                                                                 std::uint64_t count,
                                                                                 const Patience& patience) {
    return network_.receive_descriptors(stream(socket), count, patience);
}

void UdsStreamScheme::return_descriptors(Socket& socket, std::vector<scheme::DescriptionRef> descriptors) {
    network_.return_descriptors(stream(socket), std::move(descriptors));
}

std::uint64_t UdsStreamScheme::ready(Socket& socket) {
    return network_.ready(stream(socket));
}

Result<void> UdsStreamScheme::set_option(Socket& socket, std::int32_t option) {
    if (option == SocketConstant::kSoSndbuf) return {};
    return UdsScheme::set_option(socket, option);
}

Result<std::vector<std::int32_t>> UdsStreamScheme::option(Socket& socket, std::int32_t option) {
    if (option == SocketConstant::kSoSndbuf) return std::vector<std::int32_t>{kSendBuffer};
    if (option != SocketConstant::kSoPeercred) return UdsScheme::option(socket, option);
    const Credentials owner = TRY(network_.peer_of(stream(socket)))->owner;
    return std::vector<std::int32_t>{owner.pid, owner.uid, owner.gid};
}

void UdsStreamScheme::closed(HandleNumber, const SocketRef& socket) {
    network_.close(stream(*socket));
    forget_name(*socket);
}

}  // namespace halfcell::ipc
