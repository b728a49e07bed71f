#include "kernel_shim/control/senders.h"

#include <cstring>

namespace halfcell::control {

bool Senders::may_order(const ucred& sender) const {
    if (sender.uid == 0) return true;
    if (!allowed_.user && !allowed_.group) return sender.uid == own_user_;
    return (allowed_.user && sender.uid == *allowed_.user) ||
           (allowed_.group && sender.gid == *allowed_.group);
}

bool Senders::may_connect(int connection) const {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && may_order(peer);
}

bool Senders::sent(const msghdr& message) const {
    // Descriptors that somebody sends along find no room and are dropped by Linux; whoever sends them is up
    // to something.
    if ((message.msg_flags & MSG_CTRUNC) != 0) return false;
    const cmsghdr* const header = CMSG_FIRSTHDR(&message);
    if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_CREDENTIALS ||
        header->cmsg_len != CMSG_LEN(sizeof(ucred)))
        return false;
    ucred sender{};
    std::memcpy(&sender, CMSG_DATA(header), sizeof sender);
    return may_order(sender);
}

}  // namespace halfcell::control
