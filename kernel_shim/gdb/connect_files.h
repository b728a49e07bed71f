#pragma once

// A directory for one debugging session: the names of Redox's calls where gdb looks for them, and the socket
// where it is let in unless the user has chosen another place. Removed with all that is in it.

#include <string>

#include "kernel_shim/base/result.h"

namespace halfcell::gdb {

class ConnectFiles {
  public:
    // Below $XDG_RUNTIME_DIR, else $TMPDIR or /tmp, for this user alone. Errors of the host. Blocks for it.
    static Result<ConnectFiles> create();
    ~ConnectFiles();
    ConnectFiles(ConnectFiles&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    ConnectFiles& operator=(ConnectFiles&&) = delete;

    [[nodiscard]] const std::string& directory() const { return path_; }
    [[nodiscard]] std::string socket() const { return path_ + "/socket"; }

  private:
    explicit ConnectFiles(std::string path) : path_(std::move(path)) {}
    Result<void> fill() const;

    std::string path_;
};

// The line that connects gdb to `address` with the files of `directory`; `program` may be empty. It also says
// that there are no hardware watchpoints, which gdb would otherwise find out when it is too late to step
// instead.
[[nodiscard]] std::string command_line(const std::string& directory, const std::string& address,
                                       const std::string& program);

}  // namespace halfcell::gdb
