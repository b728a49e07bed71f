#pragma once

// Connections: who listens, who waits to be accepted, and what travels between the two ends. The schemes chan
// and uds_stream are two views of it. Source: base:ipcd/src/uds/stream.rs, chan.rs.

#include <vector>

#include "kernel_shim/mem/user_slice.h"
#include "schemes/ipc/stream_socket.h"

namespace halfcell::ipc {

// Where the two schemes differ.
struct StreamRules {
    Errno read_listener;      // reading from a socket that listens
    Errno write_unconnected;  // writing to one that was never connected
    // What is sent before the listener accepts: kept for it, or waited with.
    enum class EarlyWrites : std::uint8_t { kKept, kWait } early_writes;
    std::uint64_t accepted_events;  // what the client hears when it is accepted (abi::EventFlags)
};

// Every operation takes the lock all sockets of the network share. Those with a Patience answer EAGAIN where
// they would have to wait and must not, and EINTR when the wait is broken.
class StreamNetwork {
  public:
    // `hub` outlives it.
    StreamNetwork(const StreamRules& rules, SocketHub& hub) : rules_(rules), hub_(hub) {}

    // EINVAL unless the socket is unbound.
    Result<void> listen(StreamSocket& socket);
    // Queues `client` at a listener (ECONNREFUSED) and waits until it is accepted; ECONNREFUSED where the
    // listener goes meanwhile. A call that waited in vain may be repeated. EISCONN once one has succeeded.
    Result<void> connect(const StreamRef& client, const StreamRef& listener, const Patience& patience);
    // Queues a new client without waiting, whatever `listener` is. EPIPE where it is closed.
    Result<void> queue_client(const StreamRef& client, const StreamRef& listener);
    // Makes `fresh` the other end of the client that waits longest. EINVAL where the socket does not listen.
    Result<void> accept(const StreamRef& listener, const StreamRef& fresh, const Patience& patience);
    // The other end. EPROTO: never connected. EPIPE: gone.
    Result<StreamRef> peer_of(const StreamSocket& socket);

    // Sends up to 1 MiB as one packet and returns how much that was; waits for room. EPIPE where the peer is
    // gone, StreamRules::write_unconnected. EFAULT.
    Result<std::uint64_t> write(StreamSocket& socket, const mem::UserIn& from, const Credentials& sender,
                                const Patience& patience);
    // Sends a whole packet; one without bytes is dropped. ENOTCONN before the listener accepts.
    Result<std::uint64_t> send(StreamSocket& socket, Packet packet, const Patience& patience);

    // Bytes of any number of packets; waits for the first one. 0 at the end, or for an empty buffer. EFAULT
    // leaves them queued.
    Result<std::uint64_t> read(StreamSocket& socket, const mem::UserOut& to, const Patience& patience);
    // The same with what came along. At the end of what will come, `received` is empty.
    Result<std::uint64_t> receive(StreamSocket& socket, std::uint64_t most, const CopyOut& copy_out,
                                  const Patience& patience);

    // Queues descriptors at the peer. On failure they are left where they are. ENOTCONN before the listener
    // accepts, ENOBUFS where too many wait.
    Result<std::uint64_t> send_descriptors(StreamSocket& socket,
                                           std::vector<scheme::DescriptionRef>& descriptors);
    // Exactly `count`, which it waits for; none where the peer is gone before there are so many.
    // ENOTCONN, EOPNOTSUPP (listening), EPIPE (the listener went).
    Result<std::vector<scheme::DescriptionRef>> receive_descriptors(StreamSocket& socket, std::uint64_t count,
                                                                    const Patience& patience);
    void return_descriptors(StreamSocket& socket, std::vector<scheme::DescriptionRef> descriptors);

    // What is ready now (abi::EventFlags).
    std::uint64_t ready(const StreamSocket& socket);
    // The socket's handle is gone. Clients that wait for it are refused, its peer reads an end, and
    // descriptors nobody has received are closed.
    void close(StreamSocket& socket);

  private:
    struct Target {
        StreamRef end;  // whose events tell of new packets
        PacketQueue* queue;
    };
    // Where packets of a socket go now; null `end` where it has to wait for that. The lock must be held.
    Result<Target> target_of(StreamSocket& socket) const;
    // Waits until there is something to receive; false at the end of what will come. The lock must be held.
    Result<bool> await_packets(SocketLock& lock, StreamSocket& socket, const Patience& patience) const;
    static void leave_listener(StreamSocket& client);
    static void refuse_clients(SocketLock& lock, StreamSocket& listener);

    const StreamRules rules_;
    SocketHub& hub_;
};

}  // namespace halfcell::ipc
