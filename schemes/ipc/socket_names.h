#pragma once

// Which socket is bound to which path, and the tokens that stand for them: a file of the scheme `file` gives
// its socket's token to whoever may open it, and the token is what connects.
// Source: base:ipcd/src/uds/stream.rs socket_paths, socket_tokens.

#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "schemes/ipc/socket.h"

namespace halfcell::ipc {

// Any thread; does not block. It keeps no socket alive.
class SocketNames {
  public:
    // Gives a path to a socket, and returns its token, which nobody can guess. EADDRINUSE.
    Result<std::uint64_t> bind(const std::string& path, const std::shared_ptr<Socket>& socket);
    // Forgets what bind() gave.
    void unbind(const std::string& path, std::uint64_t token);
    // ECONNREFUSED where the token stands for no socket, or none any more.
    [[nodiscard]] Result<std::shared_ptr<Socket>> find(std::uint64_t token) const;

  private:
    struct State {
        std::map<std::string, std::uint64_t> paths;
        std::unordered_map<std::uint64_t, std::weak_ptr<Socket>> tokens;
    };
    Guarded<State, LockLevel::kScheme> state_;
};

}  // namespace halfcell::ipc
