#pragma once

// The scheme `uds_stream`: sockets of connections. A dup "listen" accepts (and begins to listen), a dup
// "connect" makes a client of the socket, a dup "recvfd" takes a descriptor. Source:
// base:ipcd/src/uds/stream.rs.

#include "schemes/ipc/stream_network.h"
#include "schemes/ipc/uds_scheme.h"

namespace halfcell::ipc {

class UdsStreamScheme final : public UdsScheme {
  public:
    UdsStreamScheme(RealCredentials real_credentials, std::shared_ptr<MemoryBudget> memory);

    // EINVAL for any other string.
    Result<scheme::OpenResult> dup(const scheme::Caller& caller, HandleNumber number,
                                   const mem::UserIn& name) override;

  private:
    [[nodiscard]] SocketRef make_socket(const scheme::Caller& caller, HandleNumber number,
                                        std::uint64_t flags) override;
    Result<void> change_to_bound(Socket& socket) override;
    Result<void> change_to_unbound(Socket& socket) override;
    Result<std::uint64_t> connect(const SocketRef& socket, const SocketRef& target,
                                  const Patience& patience) override;
    Result<SocketRef> peer(Socket& socket) override;
    Result<std::uint64_t> send_bytes(Socket& socket, const mem::UserIn& from, const Credentials& sender,
                                     const Patience& patience) override;
    Result<std::uint64_t> send(Socket& socket, Packet packet, const Patience& patience) override;
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
    // SO_SNDBUF is accepted and always 212992, Linux's; SO_PEERCRED is who made the peer.
    Result<void> set_option(Socket& socket, std::int32_t option) override;
    Result<std::vector<std::int32_t>> option(Socket& socket, std::int32_t option) override;
    void closed(HandleNumber number, const SocketRef& socket) override;

    Result<scheme::OpenResult> accept(const scheme::Caller& caller, const StreamRef& listener);
    Result<scheme::OpenResult> add_client(const scheme::Caller& caller, const StreamRef& listener);
    // A socket of the same flags, which nobody can reach yet.
    StreamRef add_socket(const scheme::Caller& caller, std::uint64_t flags);

    StreamNetwork network_;
};

}  // namespace halfcell::ipc
