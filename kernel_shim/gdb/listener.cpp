#include "kernel_shim/gdb/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <charconv>
#include <cstring>
#include <filesystem>

#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/host/sys.h"

namespace halfcell::gdb {

namespace {

constexpr std::string_view kUnix = "unix:";

std::string failure(const std::string& where, const std::string& reason) {
    return "cannot listen at " + where + ": " + reason;
}
std::string failure(const std::string& where, int error) {
    return failure(where, std::strerror(error));
}

std::string usage(const std::string& where) {
    return "gdb can be let in at unix:PATH or 127.0.0.1:PORT, not at '" + where +
           "': from elsewhere, forward a port of the loopback interface (ssh -L)";
}

}  // namespace

Expected<Listener, std::string> Listener::open(const std::string& where) {
    if (where.starts_with(kUnix)) return open_path(where.substr(kUnix.size()));
    return open_port(where);
}

Expected<Listener, std::string> Listener::open_path(const std::string& path) {
    if (path.empty()) return unexpected(usage(std::string(kUnix)));
    host::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket.is_open()) return unexpected(failure(path, errno));
    auto named = host::SocketFile::bind(socket.get(), path);
    if (!named) return unexpected(failure(path, named.error()));
    if (::listen(socket.get(), 1) != 0) return unexpected(failure(path, errno));
    if (const auto published = named->publish(); !published)
        return unexpected(failure(path, published.error()));
    named->hold();
    Listener listener(std::move(socket), std::filesystem::absolute(path).string());
    listener.named_.emplace(std::move(*named));
    return listener;
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
    return Listener(std::move(file), (six ? "[::1]:" : "127.0.0.1:") + std::to_string(chosen));
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
