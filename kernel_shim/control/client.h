#pragma once

// A connection to a control socket, from its client's side.

#include <string>
#include <string_view>

#include "kernel_shim/base/result.h"
#include "kernel_shim/host/unique_fd.h"

namespace halfcell::control {

class Client {
  public:
    // PATH or @NAME. The error says what was tried, why it failed, and what to do. Blocks for the connection.
    static Expected<Client, std::string> connect(const std::string& where);

    // Sends a line (its newline is added) and returns the answer: a JSON object, or text for people, each
    // with its newlines. EIO where the peer goes before its answer is whole; errors of the socket. Blocks.
    Result<std::string> ask(std::string_view line);
    // Sends a line without waiting for an answer.
    Result<void> send(std::string_view line);
    // The next answer.
    Result<std::string> receive();

  private:
    explicit Client(host::UniqueFd file) : file_(std::move(file)) {}

    host::UniqueFd file_;
    std::string input_;
};

}  // namespace halfcell::control
