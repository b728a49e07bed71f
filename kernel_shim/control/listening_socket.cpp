#include "kernel_shim/control/listening_socket.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <utility>

namespace halfcell::control {

namespace {

constexpr int kBacklog = 1024;
// From linux:include/uapi/linux/fs.h, whose other names collide with <sys/mount.h>.
constexpr unsigned kNoReplace = 1;
constexpr unsigned kExchange = 2;

std::string because(const std::string& what, int error) {
    return what + ": " + std::strerror(error);
}

bool rename_with(const std::string& from, const std::string& to, unsigned flags) {
    return ::syscall(SYS_renameat2, AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags) == 0;
}

host::UniqueFd stream_socket() {
    return host::UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

bool bind_to(int file, const SocketAddress& to) {
    return ::bind(file, reinterpret_cast<const sockaddr*>(&to.address), to.size) == 0;
}

// Beside the final name, so that it can be renamed to it.
std::string temporary_name(const std::string& path) {
    std::uint32_t number = 0;
    (void)::getrandom(&number, sizeof number, 0);
    char name[16];
    std::snprintf(name, sizeof name, ".%08x", number);
    const std::size_t slash = path.rfind('/');
    return (slash == std::string::npos ? "" : path.substr(0, slash + 1)) + name;
}

enum class Occupant : std::uint8_t { kNobody, kDeadSocket, kLiveSocket, kOther };
// What is at a path now, and which file that is.
Occupant occupant_of(const std::string& path, struct stat& status) {
    if (::lstat(path.c_str(), &status) != 0) return Occupant::kNobody;
    if (!S_ISSOCK(status.st_mode)) return Occupant::kOther;
    const auto address = socket_address(path);
    const host::UniqueFd probe = stream_socket();
    if (!address || !probe.is_open()) return Occupant::kOther;
    if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address->address), address->size) == 0)
        return Occupant::kLiveSocket;
    // A full backlog (EAGAIN) and a missing right (EACCES) are signs of life, or at least none of death.
    return errno == ECONNREFUSED ? Occupant::kDeadSocket : Occupant::kLiveSocket;
}

bool same_file(const struct stat& left, const struct stat& right) {
    return left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

// Gives the bound socket at `temporary` its name. What is wrong otherwise, if anything.
std::string take_name(const std::string& temporary, const std::string& path) {
    for (;;) {
        if (rename_with(temporary, path, kNoReplace)) return "";
        if (errno != EEXIST) return because("cannot name it", errno);
        struct stat found {};
        switch (occupant_of(path, found)) {
            case Occupant::kNobody:
                continue;
            case Occupant::kLiveSocket:
                return "another run listens there; give each run a socket of its own";
            case Occupant::kOther:
                return "there is a file that is no socket; remove it or choose another name";
            case Occupant::kDeadSocket:
                break;
        }
        // Somebody may replace the dead one at the same time: what was taken away is looked at before it is
        // removed, and put back where it is another.
        if (!rename_with(temporary, path, kExchange)) {
            if (errno == ENOENT) continue;
            return because("cannot replace a dead run's socket", errno);
        }
        struct stat taken {};
        if (::lstat(temporary.c_str(), &taken) == 0 && same_file(found, taken)) {
            ::unlink(temporary.c_str());
            return "";
        }
        (void)rename_with(temporary, path, kExchange);
    }
}

// On Linux the mode a socket's inode has when it is bound is the file's, less the umask. Until then nobody
// can see it.
bool set_mode(int file, mode_t mode) {
    return ::fchmod(file, mode) == 0;
}

}  // namespace

Expected<SocketAddress, std::string> socket_address(const std::string& where) {
    SocketAddress result;
    result.address.sun_family = AF_UNIX;
    const bool abstract = where.starts_with('@');
    // A path has room for its terminating NUL; an abstract name's leading NUL stands for the '@'.
    const std::size_t most = sizeof result.address.sun_path - (abstract ? 0 : 1);
    if (where.size() <= (abstract ? 1U : 0U)) return unexpected(std::string("the socket has no name"));
    if (where.size() > most)
        return unexpected("the name is longer than the " + std::to_string(most) +
                          " bytes Linux allows; use a shorter path or @NAME");
    std::memcpy(result.address.sun_path, where.data(), where.size());
    if (abstract) result.address.sun_path[0] = '\0';
    result.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + where.size() + (abstract ? 0 : 1));
    return result;
}

Expected<ListeningSocket, std::string> ListeningSocket::open(const std::string& where,
                                                             const Allowed& allowed) {
    const auto problem = [&](const std::string& what) {
        return unexpected("control socket " + where + ": " + what);
    };
    const bool abstract = where.starts_with('@');
    ListeningSocket socket;
    socket.file_ = stream_socket();
    if (!socket.file_.is_open()) return problem(because("cannot be made", errno));
    const int file = socket.file_.get();
    const std::string bound = abstract ? where : temporary_name(where);
    if (const auto final_address = socket_address(where); !final_address)
        return problem(final_address.error());
    const auto address = socket_address(bound);
    if (!address) return problem(address.error());
    const int on = 1;
    if (::setsockopt(file, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
        return problem(because("SO_PASSCRED", errno));
    if (!set_mode(file, 0600)) return problem(because("cannot set its mode", errno));
    if (!bind_to(file, *address)) {
        if (abstract && errno == EADDRINUSE)
            return problem("another run listens there; give each run a socket of its own");
        return problem(because("cannot be bound", errno));
    }
    if (abstract) {
        if (::listen(file, kBacklog) != 0) return problem(because("cannot listen", errno));
        return socket;
    }

    const auto give_up = [&](const std::string& what) {
        ::unlink(bound.c_str());
        return problem(what);
    };
    if (allowed.user || allowed.group) {
        const uid_t user = allowed.user.value_or(static_cast<uid_t>(-1));
        const gid_t group = allowed.group.value_or(static_cast<gid_t>(-1));
        if (::lchown(bound.c_str(), user, group) != 0)
            return give_up(
                because("cannot be given to that user or group; run as root, or use @NAME", errno));
        // After the owner, so that the group that loses it never has the right.
        if (allowed.group && ::chmod(bound.c_str(), 0660) != 0)
            return give_up(because("cannot set its mode", errno));
    }
    struct stat status {};
    if (::lstat(bound.c_str(), &status) != 0 || ::listen(file, kBacklog) != 0)
        return give_up(because("cannot listen", errno));
    if (const std::string wrong = take_name(bound, where); !wrong.empty()) return give_up(wrong);
    socket.path_ = where;
    socket.device_ = status.st_dev;
    socket.inode_ = status.st_ino;
    return socket;
}

ListeningSocket::ListeningSocket(ListeningSocket&& other) noexcept
    : file_(std::move(other.file_)),
      path_(std::exchange(other.path_, {})),
      holding_(std::move(other.holding_)),
      device_(other.device_),
      inode_(other.inode_) {}

void ListeningSocket::hold_file() {
    if (!path_.empty()) holding_.reset(::open(path_.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

ListeningSocket::~ListeningSocket() {
    if (path_.empty()) return;
    struct stat status {};
    if (::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_)
        ::unlink(path_.c_str());
}

}  // namespace halfcell::control
