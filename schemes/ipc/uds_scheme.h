#pragma once

// What uds_stream and uds_dgram have in common: how a socket is opened, named and asked. Source:
// base:ipcd/src/uds/stream.rs, dgram.rs.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "abi/socket_call.h"
#include "schemes/ipc/message.h"
#include "schemes/ipc/socket.h"
#include "schemes/ipc/socket_names.h"

namespace halfcell::ipc {

// The pid and real ids of the process that calls; EINVAL where there is none. Called without a lock.
using RealCredentials = std::function<Result<Credentials>(const scheme::Caller& caller)>;

class UdsScheme : public schemes::RootedScheme<Socket> {
  public:
    [[nodiscard]] std::string_view name() const final { return name_; }

    Result<std::uint64_t> read(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                               scheme::TransferFlags flags) final;
    Result<std::uint64_t> write(const scheme::Caller& caller, HandleNumber number, const mem::UserIn& from,
                                scheme::TransferFlags flags) final;
    Result<std::uint64_t> fevent(const scheme::Caller& caller, HandleNumber number,
                                 std::uint64_t flags) final;
    // "/scheme/NAME/" and the path it is bound to.
    Result<std::uint64_t> fpath(const scheme::Caller& caller, HandleNumber number,
                                const mem::UserOut& to) final;
    Result<void> fstat(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to) final;
    // An abi::SocketCall: EINVAL for another word or a missing one, EOPNOTSUPP for kShutdown. Each answers:
    //   kBind         EINVAL (no path, not UTF-8, bound already), EADDRINUSE; 0
    //   kConnect      the token in the first 8 bytes (EINVAL); see connect()
    //   kSetSockOpt   SO_PASSCRED (EINVAL); ENOPROTOOPT
    //   kGetSockOpt   SO_DOMAIN; ENOBUFS, ENOPROTOOPT
    //   kSendMsg      see parse_message(), send(); EMSGSIZE
    //   kRecvMsg      see build_message(), receive(); EINVAL where the header does not fit
    //   kUnbind       EINVAL unless it is bound and nothing else
    //   kGetToken     EINVAL (not bound), ENOBUFS; 8
    //   kGetPeerName  the peer's fpath; see peer()
    Result<std::uint64_t> call(const scheme::Caller& caller, HandleNumber number,
                               const mem::UserInOut& payload, std::uint64_t flags,
                               std::span<const std::uint64_t> metadata) final;
    Result<std::uint64_t> fd_write(const scheme::Caller& caller, HandleNumber number,
                                   std::vector<scheme::DescriptionRef>&& descriptions, std::uint64_t flags,
                                   std::uint64_t argument, std::span<const std::uint64_t> metadata) final;
    Result<std::vector<scheme::DescriptionRef>> fd_read(const scheme::Caller& caller, HandleNumber number,
                                                        std::uint64_t room, std::uint64_t flags,
                                                        std::span<const std::uint64_t> metadata) final;
    void fd_unread(HandleNumber number, std::vector<scheme::DescriptionRef> descriptions,
                   std::span<const std::uint64_t> metadata) final;
    void unregistered() final { handles_.clear(); }

  protected:
    using SocketRef = std::shared_ptr<Socket>;

    // What waits in its sockets counts against `memory`: ENOMEM for a send beyond (safer).
    UdsScheme(std::string name, RealCredentials real_credentials, std::shared_ptr<MemoryBudget> memory)
        : memory_(std::move(memory)),
          name_(std::move(name)),
          real_credentials_(std::move(real_credentials)) {}

    // --- what the two kinds do each in their way. All may wait as the patience says (EAGAIN, EINTR).

    [[nodiscard]] virtual SocketRef make_socket(const scheme::Caller& caller, HandleNumber number,
                                                std::uint64_t flags) = 0;
    // The socket gets, or loses, its name: EINVAL where its state does not allow it. The lock is held.
    virtual Result<void> change_to_bound(Socket& socket) = 0;
    virtual Result<void> change_to_unbound(Socket& socket) = 0;
    virtual Result<std::uint64_t> connect(const SocketRef& socket, const SocketRef& target,
                                          const Patience& patience) = 0;
    virtual Result<SocketRef> peer(Socket& socket) = 0;
    // Sends bytes; `sender` are the ids in effect.
    virtual Result<std::uint64_t> send_bytes(Socket& socket, const mem::UserIn& from,
                                             const Credentials& sender, const Patience& patience) = 0;
    virtual Result<std::uint64_t> send(Socket& socket, Packet packet, const Patience& patience) = 0;
    virtual Result<std::uint64_t> receive_bytes(Socket& socket, const mem::UserOut& to,
                                                const Patience& patience) = 0;
    // Receives up to `most` bytes with all that came along; nothing at the end.
    virtual Result<std::uint64_t> receive(Socket& socket, std::uint64_t most, const CopyOut& copy_out,
                                          const Patience& patience) = 0;
    // On failure the descriptors are left where they are.
    virtual Result<std::uint64_t> send_descriptors(Socket& socket,
                                                   std::vector<scheme::DescriptionRef>& descriptors) = 0;
    virtual Result<std::vector<scheme::DescriptionRef>> receive_descriptors(Socket& socket,
                                                                            std::uint64_t count,
                                                                            const Patience& patience) = 0;
    virtual void return_descriptors(Socket& socket, std::vector<scheme::DescriptionRef> descriptors) = 0;
    // What is ready now (abi::EventFlags).
    virtual std::uint64_t ready(Socket& socket) = 0;
    // ENOPROTOOPT for an option that is not settable / readable, the value otherwise.
    virtual Result<void> set_option(Socket& socket, std::int32_t option);
    virtual Result<std::vector<std::int32_t>> option(Socket& socket, std::int32_t option);

    // The descriptor of a dup "recvfd". Waits for it, also on a socket that otherwise does not, as upstream.
    Result<scheme::OpenResult> receive_one(Socket& socket, wait::Waiter& waiter);
    // Takes a closed socket's name away.
    void forget_name(const Socket& socket);
    static Patience patience(const scheme::Caller& caller, const Socket& socket, std::uint64_t flags = 0) {
        return {socket.flags.nonblocking(flags), caller.waiter};
    }

    const std::shared_ptr<MemoryBudget> memory_;
    SocketHub hub_{[this](HandleNumber handle, std::uint64_t flags) { trigger(handle, flags); }};

  private:
    // EINVAL for a path, or without O_CREAT.
    Result<scheme::OpenResult> open(const scheme::Caller& caller, std::string_view path,
                                    std::uint64_t flags) final;
    Result<std::uint64_t> bind(const SocketRef& socket, const mem::UserIn& path);
    Result<std::uint64_t> unbind(Socket& socket);
    Result<std::uint64_t> set_option_call(Socket& socket, std::int32_t option, const mem::UserIn& value);
    Result<std::uint64_t> option_call(Socket& socket, std::int32_t option, const mem::UserOut& to);
    Result<std::uint64_t> send_message(const scheme::Caller& caller, Socket& socket, const mem::UserIn& from,
                                       const Patience& patience);
    Result<std::uint64_t> receive_message(Socket& socket, const mem::UserInOut& payload,
                                          const Patience& patience);
    Result<std::uint64_t> token(Socket& socket, const mem::UserOut& to);
    [[nodiscard]] std::string path_text(const Socket& socket);

    const std::string name_;
    const RealCredentials real_credentials_;
    SocketNames names_;
};

}  // namespace halfcell::ipc
