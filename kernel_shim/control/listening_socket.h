#pragma once

// The socket people find the run by: a file of the host, or an abstract name.

#include <sys/types.h>
#include <sys/un.h>

#include <optional>
#include <string>
#include <utility>

#include "kernel_shim/base/result.h"
#include "kernel_shim/host/unique_fd.h"

namespace halfcell::control {

// Who may send commands besides root: whoever has one of these; where neither is given, the run's own user.
struct Allowed {
    std::optional<uid_t> user;
    std::optional<gid_t> group;
};

struct SocketAddress {
    sockaddr_un address{};
    socklen_t size = 0;
};
// PATH, or @NAME for an abstract one. The error is one line for the user.
Expected<SocketAddress, std::string> socket_address(const std::string& where);

class ListeningSocket {
  public:
    // A stream socket that listens, non-blocking, whose peers' credentials come with what they send. A file
    // is never there with more rights than it ends up with: 0600, the user's where one is given; 0660 and the
    // group's where one is given. The file that a run which has died left behind is replaced; one whose run
    // lives, and any other file, is left alone. The error is one line for the user. Blocks for the host.
    static Expected<ListeningSocket, std::string> open(const std::string& where, const Allowed& allowed);
    // Removes the file, if it is still this socket's.
    ~ListeningSocket();
    ListeningSocket(ListeningSocket&& other) noexcept;
    ListeningSocket& operator=(ListeningSocket&&) = delete;

    [[nodiscard]] int file() const { return file_.get(); }
    // Gives up this process's descriptor, where another table has one.
    void forget_descriptor() { file_.reset(); }
    // For who has none and looks after the file: until this ends, no other file gets the number by which it
    // is known, though the socket is closed and the file removed. Without a descriptor left it is not held.
    void hold_file();
    // Gives the descriptor away, and the file into the care of another process's copy of this.
    [[nodiscard]] host::UniqueFd leave_file() {
        path_.clear();
        return std::move(file_);
    }

  private:
    ListeningSocket() = default;

    host::UniqueFd file_;
    std::string path_;        // empty for an abstract name
    host::UniqueFd holding_;  // of the file, without access
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

}  // namespace halfcell::control
