#include "kernel_shim/agent/agent_client.h"

#include <sched.h>

#include <algorithm>
#include <mutex>
#include <thread>

#include "kernel_shim/base/check.h"
#include "kernel_shim/host/cpu.h"
#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/host/notify.h"
#include "kernel_shim/host/pidfd.h"
#include "kernel_shim/host/sys.h"

namespace halfcell::agent {

namespace {

// A newborn thread needs some ten microseconds to its listener. It shares our CPU, so yielding is what lets
// it run; on a loaded host we sleep instead after a while.
constexpr int kYields = 2000;
constexpr auto kNap = std::chrono::microseconds(200);
constexpr std::uint64_t kBirthTimeout = 20'000'000'000;

Result<void> report_status(std::uint64_t report) {
    const auto code = static_cast<std::int32_t>((report & kReportEnd) - 1);
    if (code != 0) return fail(host::translate_errno(code));
    return {};
}

std::size_t report_left(std::uint64_t report) {
    return static_cast<std::size_t>((report >> 16) & 0xffff) - 1;
}

pid_t report_id(std::uint64_t report) {
    const std::uint64_t middle = (report >> 16) & 0xffff;
    const std::uint64_t high = (report >> 32) & 0xffff;
    if (middle == 0 || high == 0) return 0;
    return static_cast<pid_t>(((middle - 1) << 12) | (high - 1));
}

}  // namespace

AgentClient::AgentClient(CommandPage& page, host::UniqueFd report) : page_(page), report_(std::move(report)) {
    page_.report = static_cast<std::uint64_t>(report_.get());
}

Result<void> AgentClient::run(std::span<const Command> commands) {
    std::lock_guard lock(channel_);
    TRY(exchange(commands));
    return {};
}

machine::Progress AgentClient::run_all(std::span<const Command> commands) {
    std::lock_guard lock(channel_);
    machine::Progress progress;
    while (progress.done < commands.size()) {
        const auto batch =
            commands.subspan(progress.done, std::min(commands.size() - progress.done, page_.batch.size()));
        std::size_t left = batch.size();
        const auto answer = exchange(batch, &left);
        if (!answer) {
            progress.done += batch.size() - left;
            progress.error = answer.error();
            break;
        }
        progress.done += batch.size();
    }
    return progress;
}

Result<AgentClient::Forked> AgentClient::run_for_process(std::span<const Command> commands) {
    std::lock_guard lock(channel_);
    const pid_t process = TRY(exchange(commands));
    return Forked{process, cpu_};
}

Result<AgentClient::Newborn> AgentClient::run_for_thread(std::span<const Command> commands) {
    std::lock_guard lock(channel_);
    const pid_t thread = TRY(exchange(commands));
    return Newborn{thread, cpu_, fetch_listener(thread)};
}

void AgentClient::mark_dead() {
    dead_.store(true, std::memory_order_release);
    // Whoever has checked dead_ before this store is released by the counter; who comes later sees dead_.
    (void)host::signal_event(report_.get(), kDeathReport);
}

// The agent shares the caller's CPU: a wake-up that crosses CPUs costs ten times the command.
void AgentClient::follow_caller() {
    const int cpu = host::current_cpu();
    if (cpu == cpu_) return;
    host::pin_thread(process_, cpu);
    cpu_ = cpu;
}

Result<pid_t> AgentClient::exchange(std::span<const Command> commands, std::size_t* left) {
    HC_CHECK(!commands.empty() && commands.size() <= page_.batch.size(), "a batch of impossible size");
    if (is_dead()) return fail(Errno::kESRCH);
    follow_caller();
    std::copy(commands.begin(), commands.end(), page_.batch.begin());
    page_.count = static_cast<std::uint32_t>(commands.size());
    std::atomic_ref<std::uint32_t>(page_.sequence).fetch_add(1, std::memory_order_seq_cst);
    host::wake_shared_futex(&page_.sequence);
    std::uint64_t report = 0;
    while ((report & kReportEnd) == 0) {
        report += TRY(host::take_event(report_.get()));
        if (report >= kDeathReport) return fail(Errno::kESRCH);
    }
    const Result<void> status = report_status(report);
    if (!status && left != nullptr) *left = report_left(report);
    TRY(status);
    return report_id(report);
}

Result<host::UniqueFd> AgentClient::fetch_listener(pid_t thread) const {
    const auto newborn = host::open_thread(thread);
    if (!newborn) return fail(newborn.error() == Errno::kESRCH ? Errno::kESRCH : Errno::kEAGAIN);
    const std::uint64_t start = host::monotonic_nanoseconds();
    for (int turn = 0;; ++turn) {
        // Until the thread has a table of its own, number 0 is a descriptor of the supervisor.
        auto candidate = host::take_descriptor(newborn->get(), 0);
        if (candidate && host::is_listener(candidate->get())) return std::move(*candidate);
        if (!candidate) {
            switch (candidate.error()) {
                case Errno::kEBADF:
                    break;
                case Errno::kEMFILE:
                case Errno::kENFILE:
                    return fail(Errno::kEAGAIN);
                default:
                    return fail(candidate.error());
            }
        }
        if (host::monotonic_nanoseconds() - start > kBirthTimeout) return fail(Errno::kEAGAIN);
        if (turn < kYields)
            sched_yield();
        else
            std::this_thread::sleep_for(kNap);
    }
}

}  // namespace halfcell::agent
