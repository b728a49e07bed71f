#include "kernel_shim/control/listening_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace halfcell::control {

namespace {

constexpr int kBacklog = 1024;

std::string because(const std::string& what, int error) {
    return what + ": " + std::strerror(error);
}

// What is wrong, if anything.
std::string listen_abstract(int socket, const std::string& name) {
    const auto address = host::socket_address(name);
    if (!address) return address.error();
    if (::bind(socket, reinterpret_cast<const sockaddr*>(&address->address), address->size) != 0)
        return errno == EADDRINUSE ? "another run listens there; give each run a socket of its own"
                                   : because("cannot be bound", errno);
    return ::listen(socket, kBacklog) == 0 ? "" : because("cannot listen", errno);
}

// Gives a file that only this user may connect to its rights. What is wrong, if anything.
std::string hand_to(const Allowed& allowed, const std::string& path) {
    if (!allowed.user && !allowed.group) return "";
    const uid_t user = allowed.user.value_or(static_cast<uid_t>(-1));
    const gid_t group = allowed.group.value_or(static_cast<gid_t>(-1));
    if (::lchown(path.c_str(), user, group) != 0)
        return because("cannot be given to that user or group; run as root, or use @NAME", errno);
    // After the owner, so that the group that loses it never has the right.
    if (allowed.group && ::chmod(path.c_str(), 0660) != 0) return because("cannot set its mode", errno);
    return "";
}

// The file at `path`, once the socket listens there.
Expected<host::SocketFile, std::string> listen_at(int socket, const std::string& path,
                                                  const Allowed& allowed) {
    auto named = host::SocketFile::bind(socket, path);
    if (!named) return named;
    if (const std::string wrong = hand_to(allowed, named->path()); !wrong.empty()) return unexpected(wrong);
    if (::listen(socket, kBacklog) != 0) return unexpected(because("cannot listen", errno));
    if (const auto published = named->publish(); !published) return unexpected(published.error());
    return named;
}

}  // namespace

Expected<ListeningSocket, std::string> ListeningSocket::open(const std::string& where,
                                                             const Allowed& allowed) {
    const auto problem = [&](const std::string& what) {
        return unexpected("control socket " + where + ": " + what);
    };
    ListeningSocket socket(host::UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)));
    if (!socket.file_.is_open()) return problem(because("cannot be made", errno));
    const int on = 1;
    if (::setsockopt(socket.file(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
        return problem(because("SO_PASSCRED", errno));
    if (where.starts_with('@')) {
        const std::string wrong = listen_abstract(socket.file(), where);
        if (!wrong.empty()) return problem(wrong);
        return socket;
    }
    auto named = listen_at(socket.file(), where, allowed);
    if (!named) return problem(named.error());
    socket.named_.emplace(std::move(*named));
    return socket;
}

}  // namespace halfcell::control
