#pragma once

// A RamScheme served by a child process, for as long as a test lasts.

#include <string>
#include <string_view>

#include "userland/rt/child.h"
#include "userland/rt/file.h"
#include "userland/rt/fork.h"
#include "userland/rt/process.h"

namespace halfcell::userland {

// Runs body() in a child process and ends that with the status it returns; the child's process id.
template <typename Body>
Result<std::uint32_t> start_child(Body body);

class SchemeSession {
  public:
    // Returns once the scheme is registered under `name`.
    static Result<SchemeSession> start(std::string_view name);

    // Opens a file of the scheme, creating it where it does not exist.
    [[nodiscard]] Result<UniqueFd> open(std::string_view path) const;
    [[nodiscard]] std::uint32_t server() const { return server_; }
    // Tells the server to end, and waits for that.
    void stop() const;

  private:
    SchemeSession(std::string name, std::uint32_t server) : name_(std::move(name)), server_(server) {}
    std::string name_;
    std::uint32_t server_;
};

// A child that opens a file, and whose status is the errno of that, or 0. Returns once it runs.
Result<std::uint32_t> start_opening(const SchemeSession& session, std::string_view path);

// Waits for a child; what a shell calls its exit status.
Result<int> status_of(std::uint32_t child);

template <typename Body>
Result<std::uint32_t> start_child(Body body) {
    const std::uint32_t child = RT_TRY(fork_process());
    if (child == 0) exit_now(body());
    return child;
}

}  // namespace halfcell::userland
