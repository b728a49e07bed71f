#include "kernel_shim/agent/agent_process.h"

#include <csignal>

#include "kernel_shim/host/pidfd.h"
#include "kernel_shim/host/sys.h"

namespace halfcell::agent {

namespace {

// Which process's death this thread is reporting, so that a callback may drop the last reference to it.
thread_local const AgentProcess* reporting = nullptr;

}  // namespace

Result<std::shared_ptr<AgentProcess>> AgentProcess::prepare(std::shared_ptr<SlotFile> command_pages) {
    host::UniqueFd report = TRY(host::create_event(host::Blocking::kYes));
    const std::uint32_t slot = TRY(command_pages->take());
    return std::shared_ptr<AgentProcess>(new AgentProcess(std::move(command_pages), slot, std::move(report)));
}

AgentProcess::AgentProcess(std::shared_ptr<SlotFile> command_pages, std::uint32_t command_slot,
                           host::UniqueFd report)
    : command_pages_(std::move(command_pages)),
      command_slot_(command_slot),
      client_(*reinterpret_cast<CommandPage*>(command_pages_->at(command_slot)), std::move(report)) {}

AgentProcess::~AgentProcess() {
    command_pages_->give(command_slot_);
}

void AgentProcess::born(pid_t process, host::UniqueFd descriptor) {
    id_ = process;
    descriptor_ = std::move(descriptor);
    client_.set_process(process);
}

void AgentProcess::kill() {
    (void)host::send_signal(descriptor_.get(), SIGKILL);
}

void AgentProcess::on_death(std::function<void()> callback) {
    const bool late = death_.with([&](Death& death) {
        if (death.happened) return true;
        death.callback = std::move(callback);
        return false;
    });
    if (late && callback) callback();
}

void AgentProcess::reaped(std::shared_ptr<AgentProcess> process) {
    process->client_.mark_dead();
    auto callback = process->death_.with([](Death& death) {
        death.happened = true;
        return std::exchange(death.callback, nullptr);
    });
    reporting = process.get();
    if (callback) std::exchange(callback, nullptr)();
    reporting = nullptr;
    const auto finished = process->finished_;
    process.reset();
    finished->store(true, std::memory_order_release);
    finished->notify_all();
}

void AgentProcess::wait_for_death() const {
    if (reporting == this) return;
    finished_->wait(false, std::memory_order_acquire);
}

}  // namespace halfcell::agent
