// A server as a Linux process, for `halfcell run --scheme NAME=…`: started by halfcell, or listening at a
// path with --listen PATH in front of its arguments.

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "schemes/server/dispatcher.h"
#include "schemes/server/host_listener.h"
#include "schemes/server/host_transport.h"

namespace halfcell::server {

void log(std::string_view line) {
    std::string whole(line);
    whole += '\n';
    // One write, so that lines of several programs do not mix.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, whole.data(), whole.size());
}

namespace {

constexpr int kUsage = 2;

// The only connection of a server that was started, from its hand-over to its end.
Errno serve(Scheme& scheme, int rendezvous) {
    auto transport = HostTransport::accept(rendezvous);
    if (!transport) return transport.error();
    Dispatcher dispatcher(scheme, **transport);
    const Errno ended = dispatcher.serve();
    dispatcher.hang_up();
    return ended;
}

int listen_at(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    const int socket = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    // The socket that an earlier server left there is in the way; anything else stays.
    struct stat old {};
    if (::lstat(path.c_str(), &old) == 0 && S_ISSOCK(old.st_mode)) ::unlink(path.c_str());
    if (socket < 0 || ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(socket, SOMAXCONN) != 0)
        return -1;
    return socket;
}

int serve_at(Scheme& scheme, const std::string& path) {
    const int listener = listen_at(path);
    if (listener < 0) {
        log("cannot listen at " + path + ": " + std::strerror(errno));
        return 1;
    }
    HostListener(scheme, listener).serve();
}

}  // namespace
}  // namespace halfcell::server

int main(int argc, char** argv) {
    using namespace halfcell::server;
    std::vector<std::string_view> arguments(argv + 1, argv + argc);
    const char* const given = std::getenv(kRendezvousVariable);
    const int rendezvous = given != nullptr ? std::atoi(given) : -1;
    std::string path;
    if (arguments.size() >= 2 && arguments[0] == "--listen") {
        path = arguments[1];
        arguments.erase(arguments.begin(), arguments.begin() + 2);
    } else if (given == nullptr) {
        log(std::string("usage: ") + argv[0] +
            " --listen PATH [ARGUMENT]...\n   or: halfcell run --scheme 'NAME=" + argv[0] +
            " [ARGUMENT]...' PROGRAM");
        return kUsage;
    }
    ::unsetenv(kRendezvousVariable);
    const auto scheme = make_scheme(arguments);
    if (scheme == nullptr) return kUsage;
    if (!path.empty()) return serve_at(*scheme, path);
    const Errno ended = serve(*scheme, rendezvous);
    if (ended == Errno::kENODEV) return 0;
    log(std::string(argv[0]) + ": " + halfcell::abi::errno_text(ended));
    return 1;
}
