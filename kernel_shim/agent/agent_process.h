#pragma once

// One address-space process: who it is, its command channel, and how its death becomes known. Shared by the
// machine, its threads and the reaper.

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "kernel_shim/agent/agent_client.h"
#include "kernel_shim/agent/slot_file.h"
#include "kernel_shim/base/guarded.h"
#include "kernel_shim/host/unique_fd.h"

namespace halfcell::agent {

class AgentProcess {
  public:
    // A process that is yet to be born: takes a command page. EAGAIN, EMFILE, ENFILE.
    static Result<std::shared_ptr<AgentProcess>> prepare(std::shared_ptr<SlotFile> command_pages);
    AgentProcess(const AgentProcess&) = delete;
    AgentProcess& operator=(const AgentProcess&) = delete;
    // Only when the process has been reaped, or was never born.
    ~AgentProcess();

    // Called once, right after birth; `cpu` as AgentClient::set_process.
    void born(pid_t process, host::UniqueFd descriptor, int cpu);

    [[nodiscard]] pid_t id() const { return id_; }
    [[nodiscard]] int descriptor() const { return descriptor_.get(); }
    [[nodiscard]] AgentClient& client() { return client_; }
    [[nodiscard]] int command_file() const { return command_pages_->file(); }
    [[nodiscard]] std::uint64_t command_offset() const { return command_pages_->offset(command_slot_); }

    // Sends SIGKILL to all of it. Idempotent, any thread, does not wait.
    void kill();

    // Runs `callback` when the process has been reaped, on the reaper's thread; here and now when it has
    // been already. An empty function takes a callback back that has not started.
    void on_death(std::function<void()> callback);

    // Reads and writes its memory, as host::read_process and host::write_process; ESRCH once it has been
    // reaped. Takes the process's lock, so that its number stays its own meanwhile.
    Result<void> read(std::uint64_t address, std::span<std::byte> to) const;
    Result<void> write(std::uint64_t address, std::span<const std::byte> from);

    // Call it before the agent forks, one fork at a time, and `adopted` with the child's pid as soon as it is
    // known. A child whose pid the agent has no time left to report is in the agent's process group, and in
    // no other child's: it is killed when the agent is reaped, and `abandoned` waits for its end. ESRCH.
    Result<void> before_fork();
    static void adopted(pid_t child);
    void abandoned() const;

    // Reaper only: reaps the process if it has ended; whether it has.
    bool reap();

    // Reaper only: the process has been reaped. Releases the command channel, runs the callback, lets go
    // of `process`, and only then wakes wait_for_death(): who has waited finds no trace of the process.
    static void reaped(std::shared_ptr<AgentProcess> process);

    // Blocks until reaped() is through. From inside the death callback it returns at once.
    void wait_for_death() const;

  private:
    struct Number {
        bool ours = false;         // whether id_ still names this process
        bool leads_group = false;  // it has forked, or is about to
    };
    struct Death {
        bool happened = false;
        std::function<void()> callback;
    };

    AgentProcess(std::shared_ptr<SlotFile> command_pages, std::uint32_t command_slot, host::UniqueFd report);

    const std::shared_ptr<SlotFile> command_pages_;
    const std::uint32_t command_slot_;
    AgentClient client_;
    pid_t id_ = 0;               // immutable from birth on
    host::UniqueFd descriptor_;  // immutable from birth on
    Guarded<Number, LockLevel::kAgent> number_;
    Guarded<Death, LockLevel::kAgent> death_;
    const std::shared_ptr<std::atomic<bool>> finished_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace halfcell::agent
