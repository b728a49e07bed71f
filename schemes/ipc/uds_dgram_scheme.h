#pragma once

// The scheme `uds_dgram`: sockets that send whole messages to a peer, which does not have to know of them. A
// dup "connect" makes a pair, a dup "listen" another handle of the same socket, a dup "recvfd" takes a
// descriptor. Source: base:ipcd/src/uds/dgram.rs.

#include "schemes/ipc/uds_scheme.h"

namespace halfcell::ipc {

struct DgramSocket final : Socket {
    using Socket::Socket;

    // --- guarded like the rest.
    bool has_peer = false;
    bool closed = false;  // its first handle is; others may live on
    std::weak_ptr<DgramSocket> peer;
};

class UdsDgramScheme final : public UdsScheme {
  public:
    UdsDgramScheme(RealCredentials real_credentials, std::shared_ptr<MemoryBudget> memory)
        : UdsScheme("uds_dgram", std::move(real_credentials), std::move(memory)) {}

    // EINVAL for any other string.
    Result<scheme::OpenResult> dup(const scheme::Caller& caller, HandleNumber number,
                                   const mem::UserIn& name) override;

  private:
    using DgramRef = std::shared_ptr<DgramSocket>;

    [[nodiscard]] SocketRef make_socket(const scheme::Caller& caller, HandleNumber number,
                                        std::uint64_t flags) override;
    Result<void> change_to_bound(Socket& socket) override;
    Result<void> change_to_unbound(Socket& socket) override;
    Result<std::uint64_t> connect(const SocketRef& socket, const SocketRef& target,
                                  const Patience& patience) override;
    // ENOTCONN, EPIPE (gone), ECONNREFUSED (closed, but for other handles).
    Result<SocketRef> peer(Socket& socket) override;
    // EMSGSIZE above 64 KiB; EPIPE where the socket's first handle is closed.
    Result<std::uint64_t> send_bytes(Socket& socket, const mem::UserIn& from, const Credentials& sender,
                                     const Patience& patience) override;
    Result<std::uint64_t> send(Socket& socket, Packet packet, const Patience& patience) override;
    // One message; what the buffer has no place for is gone.
    Result<std::uint64_t> receive_bytes(Socket& socket, const mem::UserOut& to,
                                        const Patience& patience) override;
    Result<std::uint64_t> receive(Socket& socket, std::uint64_t most, const CopyOut& copy_out,
                                  const Patience& patience) override;
    Result<std::uint64_t> send_descriptors(Socket& socket,
                                           std::vector<scheme::DescriptionRef>& descriptors) override;
    Result<std::vector<scheme::DescriptionRef>> receive_descriptors(Socket& socket, std::uint64_t count,
                                                                    const Patience& patience) override;
    void return_descriptors(Socket& socket, std::vector<scheme::DescriptionRef> descriptors) override;
    std::uint64_t ready(Socket& socket) override;
    void closed(HandleNumber number, const SocketRef& socket) override;

    Result<scheme::OpenResult> add_peer(const DgramRef& socket);
    // peer() with the lock held.
    static Result<DgramRef> peer_of(const DgramSocket& socket);

    // Senders wait here for room: many may wait for one peer, which does not know them. Guarded by the lock.
    wait::WaitQueue senders_;
};

}  // namespace halfcell::ipc
