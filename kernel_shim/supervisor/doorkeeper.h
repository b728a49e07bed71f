#pragma once

// A process beside the run that has its doors' names in its care: the files of the host by which the control
// socket and gdb's sockets are found. The supervisor uses the sockets, and needs no right to make or remove
// files for them; and the files go with the run however it ends.

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "kernel_shim/base/result.h"
#include "kernel_shim/host/unique_fd.h"
#include "kernel_shim/supervisor/options.h"

namespace halfcell::supervisor {

class Doorkeeper {
  public:
    // Opens the control socket where there is to be one, and forks the process. Call it while there is one
    // thread. The error is one line for the user. Blocks for the host.
    static Expected<std::unique_ptr<Doorkeeper>, std::string> start(const ControlOptions& control);
    // Removes what is left, and waits for that.
    ~Doorkeeper();
    Doorkeeper(const Doorkeeper&) = delete;
    Doorkeeper& operator=(const Doorkeeper&) = delete;

    // The control socket, which listens; taken once. None where there is to be none.
    host::UniqueFd take_control_socket() { return std::move(control_); }

    // Where gdb may come in. Its files are there as long as it is.
    class Door {
      public:
        Door(Doorkeeper& keeper, std::uint32_t number, host::UniqueFd listener, std::string directory,
             std::string address)
            : keeper_(keeper),
              number_(number),
              listener_(std::move(listener)),
              directory_(std::move(directory)),
              address_(std::move(address)) {}
        ~Door();
        Door(const Door&) = delete;
        Door& operator=(const Door&) = delete;

        // Taken once.
        host::UniqueFd take_listener() { return std::move(listener_); }
        // The line that connects gdb; `program` may be empty.
        [[nodiscard]] std::string command_line(const std::string& program) const;

      private:
        Doorkeeper& keeper_;
        const std::uint32_t number_;
        host::UniqueFd listener_;
        const std::string directory_;
        const std::string address_;
    };
    // Opens one: `listen` as gdb::Listener::open has it, or empty for a socket beside the names of calls. The
    // keeper outlives it. Any thread. The error is one line for the user. Blocks for the process's work.
    Expected<std::unique_ptr<Door>, std::string> open_door(const std::string& listen);

  private:
    Doorkeeper(int process, host::UniqueFd socket, host::UniqueFd control)
        : process_(process), socket_(std::move(socket)), control_(std::move(control)) {}

    const int process_;
    std::mutex asking_;  // one at a time
    host::UniqueFd socket_;
    host::UniqueFd control_;
    std::uint32_t next_ = 1;  // guarded by asking_
};

}  // namespace halfcell::supervisor
