#pragma once

// The scheme `chan`: connections by name, or between two dups of one handle. Opening a name with O_CREAT
// listens at it, without (or once somebody does) it connects; a dup "listen" accepts, a dup "connect"
// connects, any other dup opens that name. Source: base:ipcd/src/chan.rs.

#include <map>
#include <string>

#include "schemes/ipc/stream_network.h"

namespace halfcell::ipc {

class ChanScheme final : public schemes::RootedScheme<Socket> {
  public:
    // What waits in its connections counts against `memory`: ENOMEM for a write beyond (safer).
    explicit ChanScheme(std::shared_ptr<MemoryBudget> memory);

    [[nodiscard]] std::string_view name() const override { return "chan"; }
    // EBADF: not a listener, no UTF-8, or a socket that an accept made of a name. EWOULDBLOCK, not EAGAIN:
    // nobody waits to be accepted.
    Result<scheme::OpenResult> dup(const scheme::Caller& caller, HandleNumber number,
                                   const mem::UserIn& name) override;
    Result<std::uint64_t> read(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                               scheme::TransferFlags flags) override;
    Result<std::uint64_t> write(const scheme::Caller& caller, HandleNumber number, const mem::UserIn& from,
                                scheme::TransferFlags flags) override;
    Result<std::uint64_t> fevent(const scheme::Caller& caller, HandleNumber number,
                                 std::uint64_t flags) override;
    // "chan:" and the name it was accepted at; EBADF where there is none.
    Result<std::uint64_t> fpath(const scheme::Caller& caller, HandleNumber number,
                                const mem::UserOut& to) override;

  private:
    using SocketRef = std::shared_ptr<Socket>;
    // ENOENT: nobody listens there. EEXIST: somebody does, with O_CREAT|O_EXCL.
    Result<scheme::OpenResult> open(const scheme::Caller& caller, std::string_view path,
                                    std::uint64_t flags) override;
    void closed(HandleNumber number, const SocketRef& socket) override;

    StreamRef add_socket(std::uint64_t flags);
    // False where somebody listens there already.
    bool claim_name(std::string_view path, const StreamRef& listener);
    // What decides about a handle: whether it listens, and the name it does that at or was accepted at.
    struct Look {
        StreamSocket::State state;
        std::optional<std::string> path;
    };
    Look look_at(const StreamSocket& socket);
    Result<scheme::OpenResult> accept(const StreamRef& listener, const Patience& patience);
    Result<scheme::OpenResult> connect(const StreamRef& listener, std::uint64_t flags);

    const std::shared_ptr<MemoryBudget> memory_;
    SocketHub hub_{[this](HandleNumber handle, std::uint64_t flags) { trigger(handle, flags); }};
    StreamNetwork network_;
    Guarded<std::map<std::string, std::weak_ptr<StreamSocket>, std::less<>>, LockLevel::kScheme> listeners_;
};

}  // namespace halfcell::ipc
