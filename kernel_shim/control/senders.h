#pragma once

// Who may send commands: told by the credentials that Linux vouches for, of whoever connects and of every
// message. A connection can be handed to somebody else.

#include <sys/socket.h>
#include <sys/types.h>

#include <optional>

namespace halfcell::control {

// Who may send commands besides root: whoever has one of these; where neither is given, the run's own user.
struct Allowed {
    std::optional<uid_t> user;
    std::optional<gid_t> group;
};

class Senders {
  public:
    // `own_user` is the run's own.
    Senders(const Allowed& allowed, uid_t own_user) : allowed_(allowed), own_user_(own_user) {}

    // Whether these are credentials of somebody who may. Pure.
    [[nodiscard]] bool may_order(const ucred& sender) const;
    // Whether whoever has connected may. An abstract name has no mode that keeps strangers from connecting,
    // and they could take every place without a word. Does not block.
    [[nodiscard]] bool may_connect(int connection) const;
    // Whether a message, received with room for credentials and for nothing else, carries such ones, and
    // nothing else. Pure.
    [[nodiscard]] bool sent(const msghdr& message) const;

  private:
    Allowed allowed_;
    uid_t own_user_;
};

}  // namespace halfcell::control
