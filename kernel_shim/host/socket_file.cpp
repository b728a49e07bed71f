#include "kernel_shim/host/socket_file.h"

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

namespace halfcell::host {

namespace {

// From linux:include/uapi/linux/fs.h, whose other names collide with <sys/mount.h>.
constexpr unsigned kNoReplace = 1;
constexpr unsigned kExchange = 2;

std::string because(const std::string& what, int error) {
    return what + ": " + std::strerror(error);
}

bool rename_with(const std::string& from, const std::string& to, unsigned flags) {
    return ::syscall(SYS_renameat2, AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags) == 0;
}

// A file may be called like an abstract name.
Expected<SocketAddress, std::string> file_address(const std::string& path) {
    return socket_address(path.starts_with('@') ? "./" + path : path);
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
// What is at a path now, and which file that is. Without waiting: a socket that is listened at may have a
// full queue, which nobody needs to empty.
Occupant occupant_of(const std::string& path, struct stat& status) {
    if (::lstat(path.c_str(), &status) != 0) return Occupant::kNobody;
    if (!S_ISSOCK(status.st_mode)) return Occupant::kOther;
    const auto address = file_address(path);
    const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!address || !probe.is_open()) return Occupant::kOther;
    if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address->address), address->size) == 0)
        return Occupant::kLiveSocket;
    // A full queue (EAGAIN) and a missing right (EACCES) are signs of life, or at least none of death.
    return errno == ECONNREFUSED ? Occupant::kDeadSocket : Occupant::kLiveSocket;
}

bool same_file(const struct stat& left, const struct stat& right) {
    return left.st_dev == right.st_dev && left.st_ino == right.st_ino;
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

Expected<SocketFile, std::string> SocketFile::bind(int socket, const std::string& path) {
    // Looked at first, for the name that the user has chosen is the one to complain of.
    if (const auto final_address = file_address(path); !final_address)
        return unexpected(final_address.error());
    SocketFile file(temporary_name(path), path);
    const auto address = file_address(file.path_);
    if (!address) return unexpected(address.error());
    // On Linux the mode a socket's inode has when it is bound is the file's, less the umask.
    if (::fchmod(socket, S_IRUSR | S_IWUSR) != 0) return unexpected(because("cannot set its mode", errno));
    if (::bind(socket, reinterpret_cast<const sockaddr*>(&address->address), address->size) != 0)
        return unexpected(because("cannot be bound", errno));
    struct stat status {};
    if (::lstat(file.path_.c_str(), &status) != 0) return unexpected(because("is lost", errno));
    file.device_ = status.st_dev;
    file.inode_ = status.st_ino;
    return file;
}

Expected<void, std::string> SocketFile::publish() {
    for (;;) {
        if (rename_with(path_, final_path_, kNoReplace)) break;
        if (errno != EEXIST) return unexpected(because("cannot name it", errno));
        struct stat found {};
        switch (occupant_of(final_path_, found)) {
            case Occupant::kNobody:
                continue;
            case Occupant::kLiveSocket:
                return unexpected(
                    std::string("another run listens there; give each run a socket of its own"));
            case Occupant::kOther:
                return unexpected(
                    std::string("there is a file that is no socket; remove it or choose another name"));
            case Occupant::kDeadSocket:
                break;
        }
        // Somebody may replace the dead one at the same time: what was taken away is looked at before it is
        // removed, and put back where it is another.
        if (!rename_with(path_, final_path_, kExchange)) {
            if (errno == ENOENT) continue;
            return unexpected(because("cannot replace a dead run's socket", errno));
        }
        struct stat taken {};
        if (::lstat(path_.c_str(), &taken) == 0 && same_file(found, taken)) {
            ::unlink(path_.c_str());
            break;
        }
        (void)rename_with(path_, final_path_, kExchange);
    }
    path_ = final_path_;
    return {};
}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      final_path_(std::move(other.final_path_)),
      holding_(std::move(other.holding_)),
      device_(other.device_),
      inode_(other.inode_) {}

void SocketFile::hold() {
    if (!path_.empty()) holding_.reset(::open(path_.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

SocketFile::~SocketFile() {
    if (path_.empty()) return;
    struct stat status {};
    if (::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_)
        ::unlink(path_.c_str());
}

}  // namespace halfcell::host
