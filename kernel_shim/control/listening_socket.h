#pragma once

// The socket people find the run by: a file of the host, or an abstract name.

#include <optional>
#include <string>
#include <utility>

#include "kernel_shim/base/result.h"
#include "kernel_shim/control/senders.h"
#include "kernel_shim/host/socket_file.h"
#include "kernel_shim/host/unique_fd.h"

namespace halfcell::control {

class ListeningSocket {
  public:
    // A stream socket that listens, non-blocking, whose peers' credentials come with what they send. A file
    // is never there with more rights than it ends up with: 0600, the user's where one is given; 0660 and the
    // group's where one is given. The file that a run which has died left behind is replaced; one whose run
    // lives, and any other file, is left alone. The error is one line for the user. Blocks for the host.
    static Expected<ListeningSocket, std::string> open(const std::string& where, const Allowed& allowed);

    [[nodiscard]] int file() const { return file_.get(); }
    // Gives up this process's descriptor, where another table has one.
    void forget_descriptor() { file_.reset(); }
    // For who has no descriptor and looks after the file, as SocketFile::hold() has it.
    void hold_file() {
        if (named_) named_->hold();
    }
    // Gives the descriptor away, and the file into the care of another process's copy of this.
    [[nodiscard]] host::UniqueFd leave_file() {
        if (named_) named_->leave();
        return std::move(file_);
    }

  private:
    explicit ListeningSocket(host::UniqueFd file) : file_(std::move(file)) {}

    host::UniqueFd file_;
    std::optional<host::SocketFile> named_;  // none for an abstract name
};

}  // namespace halfcell::control
