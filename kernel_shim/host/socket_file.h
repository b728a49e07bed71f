#pragma once

// Names by which Unix sockets are found: files of the host, and abstract names. A file gets its final name
// when its socket is ready for whoever finds it, and loses it no later than its owner ends.

#include <sys/types.h>
#include <sys/un.h>

#include <string>
#include <utility>

#include "kernel_shim/base/result.h"
#include "kernel_shim/host/unique_fd.h"

namespace halfcell::host {

struct SocketAddress {
    sockaddr_un address{};
    socklen_t size = 0;
};
// PATH, or @NAME for an abstract one. The error is a reason for the user.
Expected<SocketAddress, std::string> socket_address(const std::string& where);

class SocketFile {
  public:
    // Binds `socket`, a Unix socket without an address, to a file beside `path`, which no one else knows and
    // only this user may connect to, whatever the umask. The error is a reason for the user. Blocks for the
    // host.
    static Expected<SocketFile, std::string> bind(int socket, const std::string& path);
    // Removes the file, if it is still this socket's.
    ~SocketFile();
    SocketFile(SocketFile&& other) noexcept;
    SocketFile& operator=(SocketFile&&) = delete;

    // Where it is now; empty once it was left.
    [[nodiscard]] const std::string& path() const { return path_; }
    // Moves it to the path it was made for. What a socket that nobody listens at any more left behind there
    // is replaced; one that is listened at, and any other file, is left alone: that is an error, and a reason
    // for the user. Blocks for the host.
    Expected<void, std::string> publish();
    // For who looks after the file, and may see its socket closed: until this ends, no other file gets the
    // number by which it is known. Without a descriptor left it is not held.
    void hold();
    // Into the care of another process's copy of this.
    void leave() {
        path_.clear();
        holding_.reset();
    }

  private:
    SocketFile(std::string path, std::string final_path)
        : path_(std::move(path)), final_path_(std::move(final_path)) {}

    std::string path_;
    std::string final_path_;
    UniqueFd holding_;  // of the file, without access
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

}  // namespace halfcell::host
