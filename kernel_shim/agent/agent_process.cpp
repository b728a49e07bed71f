#include "kernel_shim/agent/agent_process.h"

#include <csignal>

#include "kernel_shim/host/pidfd.h"
#include "kernel_shim/host/process_memory.h"
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

void AgentProcess::born(pid_t process, host::UniqueFd descriptor, int cpu) {
    id_ = process;
    descriptor_ = std::move(descriptor);
    client_.set_process(process, cpu);
    number_.with([](Number& number) { number.ours = true; });
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

Result<void> AgentProcess::read(std::uint64_t address, std::span<std::byte> to) const {
    return number_.with([&](const Number& number) -> Result<void> {
        if (!number.ours) return fail(Errno::kESRCH);
        return host::read_process(id_, address, to);
    });
}

Result<void> AgentProcess::write(std::uint64_t address, std::span<const std::byte> from) {
    return number_.with([&](const Number& number) -> Result<void> {
        if (!number.ours) return fail(Errno::kESRCH);
        return host::write_process(id_, address, from);
    });
}

Result<void> AgentProcess::before_fork() {
    return number_.with([&](Number& number) -> Result<void> {
        if (!number.leads_group) number.leads_group = number.ours && host::lead_group(id_);
        if (!number.leads_group) return fail(Errno::kESRCH);
        return {};
    });
}

void AgentProcess::adopted(pid_t child) {
    // Nobody reaps it before it is watched, so the number is its own.
    (void)host::lead_group(child);
}

void AgentProcess::abandoned() const {
    host::reap_group(id_);
}

bool AgentProcess::reap() {
    return number_.with([&](Number& number) {
        if (!host::has_ended(descriptor_.get())) return false;
        if (number.leads_group) host::kill_group(id_);
        (void)host::reap(descriptor_.get());
        number.ours = false;
        return true;
    });
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
