#pragma once

// A name that a server of the host stands behind, for as long as a run lasts. It opens what is behind the
// name through the connection there is, and makes a new one where there is none: a server that went away is
// reached again by the next open, and only handles from before know of it (ENODEV).

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/scheme/registry.h"
#include "kernel_shim/wait/wait_queue.h"
#include "schemes/host_server/connection.h"
#include "schemes/host_server/server_link.h"

namespace halfcell::host_server {

class HostServer final : public scheme::Scheme {
  public:
    struct Patience {
        std::chrono::milliseconds acknowledgement{5000};
        // Between quiet attempts, doubled each time.
        std::chrono::milliseconds pause{20};
        unsigned attempts = 6;
    };
    // Takes a line, without its end, for whoever started the run. The thread that serves calls it.
    using Tell = std::function<void(const std::string&)>;
    // `schemes` outlives it. Starts the thread that serves. `tell` hears of a server that goes while the run
    // goes on, and of one that does not come again. EAGAIN.
    static Result<std::shared_ptr<HostServer>> create(std::string name, std::unique_ptr<ServerLink> link,
                                                      scheme::SchemeRegistry& schemes,
                                                      std::shared_ptr<schemes::HostfdScheme> files,
                                                      const Patience& patience, Tell tell);
    ~HostServer() override { stop(); }

    // Makes sure that there is a connection. Sleeps while one is made. The error is the decision's (see
    // handover.h); `what`, if not null, then says more.
    Result<std::shared_ptr<Connection>> connect(wait::Waiter& waiter, std::string* what = nullptr);

    [[nodiscard]] std::string_view name() const override { return name_; }
    Result<scheme::OpenedHandle> root() override { return scheme::OpenedHandle{}; }
    // On the root, which is the only handle. ENODEV and what connect says, and what the server says.
    Result<scheme::OpenResult> openat(const scheme::Caller& caller, HandleNumber base, std::string_view path,
                                      std::uint64_t flags, std::uint32_t fcntl_flags) override;
    Result<void> unlinkat(const scheme::Caller& caller, HandleNumber base, std::string_view path,
                          std::uint64_t flags) override;
    // Ends the connection and the thread. Blocks until both have ended.
    void unregistered() override { stop(); }

  private:
    HostServer(std::string name, std::unique_ptr<ServerLink> link, scheme::SchemeRegistry& schemes,
               std::shared_ptr<schemes::HostfdScheme> files, const Patience& patience, Tell tell,
               host::UniqueFd bell)
        : name_(std::move(name)),
          link_(std::move(link)),
          schemes_(schemes),
          files_(std::move(files)),
          patience_(patience),
          tell_(std::move(tell)),
          bell_(std::move(bell)) {}

    void stop();
    void run();
    void make_connection();
    void tell_of_end();
    void tell_of_failure(const std::string& what);
    [[nodiscard]] std::string why_it_failed(const HandoverOutcome& outcome) const;
    Result<std::shared_ptr<Connection>> attempt(HandoverOutcome& outcome);
    void serve(Connection& connection);
    bool stopping() const;
    // Waits for the bell, at most so long.
    void pause(std::chrono::milliseconds time) const;

    const std::string name_;
    const std::unique_ptr<ServerLink> link_;  // the thread's
    scheme::SchemeRegistry& schemes_;
    const std::shared_ptr<schemes::HostfdScheme> files_;
    const Patience patience_;
    const Tell tell_;
    std::string told_;           // what tell_ was told last of attempts in vain; the thread's
    const host::UniqueFd bell_;  // an eventfd: somebody wants a connection, or the end

    mutable LevelMutex<LockLevel::kObject> mutex_;
    // All guarded by mutex_.
    std::shared_ptr<Connection> connection_;
    std::uint64_t finished_ = 0;    // how many times a connection was tried for
    Errno error_ = Errno::kENODEV;  // of the last time
    std::string what_;
    bool wanted_ = false;
    bool stop_ = false;
    wait::WaitQueue tried_;
    std::thread thread_;  // set by create
};

}  // namespace halfcell::host_server
