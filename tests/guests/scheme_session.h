#pragma once

// A RamScheme served by a child process, for as long as a test lasts.

#include <string>
#include <string_view>

#include "tests/guests/child.h"
#include "userland/rt/file.h"

namespace halfcell::userland {

class SchemeSession {
  public:
    // Returns once the scheme is registered under `name`.
    static Result<SchemeSession> start(std::string_view name);

    // Opens a file of the scheme, creating it where it does not exist.
    [[nodiscard]] Result<UniqueFd> open(std::string_view path) const;
    [[nodiscard]] Child server() const { return server_; }
    // Tells the server to end, and waits for that.
    void stop() const;

  private:
    SchemeSession(std::string name, Child server) : name_(std::move(name)), server_(server) {}
    std::string name_;
    Child server_;
};

// The two ends of a new pipe.
struct Pipe {
    UniqueFd read;
    UniqueFd write;
};
Result<Pipe> make_pipe();

}  // namespace halfcell::userland
