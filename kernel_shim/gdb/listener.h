#pragma once

// Where gdb may connect: a Unix socket that only this user reaches, or a port of the loopback interface.

#include <optional>
#include <string>

#include "kernel_shim/base/result.h"
#include "kernel_shim/host/socket_file.h"
#include "kernel_shim/host/unique_fd.h"

namespace halfcell::gdb {

class Listener {
  public:
    // "unix:PATH" (made with mode 0600; a socket that nobody listens at any more is replaced) or
    // "127.0.0.1:PORT" ("localhost:PORT", "[::1]:PORT"; port 0 is any free one). Anything else is refused:
    // whoever can connect can do what this user can. The file goes with the listener, if it is still its own.
    // The error is one line for the user. Blocks for the host.
    static Expected<Listener, std::string> open(const std::string& where);

    [[nodiscard]] int file() const { return file_.get(); }
    // As gdb's `target remote` wants it: a path, or address and port.
    [[nodiscard]] const std::string& address() const { return address_; }
    // Gives up this process's descriptor, where another process listens; the file stays in our care.
    void forget_descriptor() { file_.reset(); }
    // One connection to such a socket. Blocks for it. Errors of accept.
    static Result<host::UniqueFd> accept(int listener);

  private:
    Listener(host::UniqueFd file, std::string address)
        : file_(std::move(file)), address_(std::move(address)) {}
    static Expected<Listener, std::string> open_path(const std::string& path);
    static Expected<Listener, std::string> open_port(const std::string& where);

    host::UniqueFd file_;
    std::string address_;
    std::optional<host::SocketFile> named_;  // none for a port
};

}  // namespace halfcell::gdb
