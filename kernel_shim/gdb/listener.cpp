#include "kernel_shim/gdb/listener.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <charconv>
#include <cstring>
#include <filesystem>

#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/host/sys.h"

namespace halfcell::gdb {

namespace {

constexpr std::string_view kUnix = "unix:";

std::string failure(const std::string& where, int error) {
    return "cannot listen at " + where + ": " + std::strerror(error);
}

std::string usage(const std::string& where) {
    return "gdb can be let in at unix:PATH or 127.0.0.1:PORT, not at '" + where +
           "': from elsewhere, forward a port of the loopback interface (ssh -L)";
}

// A socket whose listener has gone stays behind as a file. Without waiting: one that is listened at may have
// a full queue, which nobody needs to empty.
bool is_stale(const sockaddr_un& name) {
    struct stat status {};
    if (::lstat(name.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
    const host::UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 &&
           errno == ECONNREFUSED;
}

}  // namespace

Expected<Listener, std::string> Listener::open(const std::string& where) {
    if (where.starts_with(kUnix)) return open_path(where.substr(kUnix.size()));
    return open_port(where);
}

Expected<Listener, std::string> Listener::open_path(const std::string& path) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (path.empty()) return unexpected(usage(std::string(kUnix)));
    if (path.size() >= sizeof name.sun_path) return unexpected(failure(path, ENAMETOOLONG));
    std::memcpy(name.sun_path, path.data(), path.size());
    if (is_stale(name)) ::unlink(name.sun_path);
    host::UniqueFd file(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    // The mode of the file that bind makes is the socket's own.
    if (!file.is_open() || ::fchmod(file.get(), S_IRUSR | S_IWUSR) != 0 ||
        ::bind(file.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 ||
        ::listen(file.get(), 1) != 0)
        return unexpected(failure(path, errno));
    return Listener(std::move(file), std::filesystem::absolute(path).string(), true);
}

Expected<Listener, std::string> Listener::open_port(const std::string& where) {
    const std::size_t colon = where.rfind(':');
    if (colon == std::string::npos) return unexpected(usage(where));
    const std::string host = where.substr(0, colon);
    const bool six = host == "[::1]";
    if (!six && host != "127.0.0.1" && host != "localhost") return unexpected(usage(where));
    std::uint16_t port = 0;
    const char* const end = where.data() + where.size();
    const auto [rest, error] = std::from_chars(where.data() + colon + 1, end, port);
    if (error != std::errc{} || rest != end) return unexpected(usage(where));

    sockaddr_in6 name6{};
    name6.sin6_family = AF_INET6;
    name6.sin6_port = htons(port);
    name6.sin6_addr = in6addr_loopback;
    sockaddr_in name4{};
    name4.sin_family = AF_INET;
    name4.sin_port = htons(port);
    name4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const name = six ? reinterpret_cast<sockaddr*>(&name6) : reinterpret_cast<sockaddr*>(&name4);
    socklen_t size = six ? sizeof name6 : sizeof name4;

    host::UniqueFd file(::socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    if (!file.is_open() || ::setsockopt(file.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        ::bind(file.get(), name, size) != 0 || ::listen(file.get(), 1) != 0 ||
        ::getsockname(file.get(), name, &size) != 0)
        return unexpected(failure(where, errno));
    const std::uint16_t chosen = ntohs(six ? name6.sin6_port : name4.sin_port);
    return Listener(std::move(file), (six ? "[::1]:" : "127.0.0.1:") + std::to_string(chosen), false);
}

Listener::Listener(Listener&& other) noexcept
    : file_(std::move(other.file_)),
      address_(std::move(other.address_)),
      is_path_(std::exchange(other.is_path_, false)) {}

Listener::~Listener() {
    if (is_path_) ::unlink(address_.c_str());
}

Result<host::UniqueFd> Listener::accept(int listener) {
    host::UniqueFd connection(
        host::retry_interrupted([=] { return ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC); }));
    if (!connection.is_open()) return fail(host::last_error());
    // Packets are small and each waits for its answer. No harm where there is no TCP.
    const int on = 1;
    (void)::setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return connection;
}

}  // namespace halfcell::gdb
