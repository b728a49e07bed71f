#pragma once

// A guest thread behind a seccomp listener.

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "kernel_shim/agent/interrupter.h"
#include "kernel_shim/agent/park_state.h"
#include "kernel_shim/agent/thread_frame.h"
#include "kernel_shim/host/notify.h"
#include "kernel_shim/machine/guest_thread.h"

namespace halfcell::agent {

class AgentThread final : public machine::GuestThread {
  public:
    struct Parts {
        std::shared_ptr<AgentProcess> process;
        Interrupter* interrupter = nullptr;  // outlives the thread
        pid_t thread = 0;
        host::UniqueFd listener;
        ThreadArea area;
        // The CPU the pair shares.
        int cpu = 0;
        // Gives the area back; called when the thread can no longer touch it.
        std::function<void()> release_area;
    };
    explicit AgentThread(Parts parts);
    // Kills the process of a thread that has not ended: without its listener it could do nothing but fail.
    ~AgentThread() override;

    machine::Trap next() override;
    void reply(std::uint64_t value) override;
    [[nodiscard]] bool still_waiting() const override;
    void request_park() override;
    [[nodiscard]] Result<machine::ThreadRegisters> registers() const override;
    Result<void> set_registers(const machine::ThreadRegisters& registers) override;
    Result<void> read_float(std::span<std::byte, 416> to) const override;
    Result<void> write_float(std::span<const std::byte, 416> from) override;
    void resume() override;
    void end() override;

  private:
    // kNewborn -> kRunning <-> kInCall, kRunning <-> kParked; every state -> kGone.
    enum class State { kNewborn, kRunning, kInCall, kParked, kGone };

    machine::Trap vanish();
    bool complete_birth();
    bool receive_park();
    void answer_park(bool end_thread);
    void answer_call(std::uint64_t value);
    void signal_park();
    void keep_watch();

    const std::shared_ptr<AgentProcess> process_;
    Interrupter& interrupter_;
    const std::shared_ptr<ParkState> park_;
    host::Listener listener_;
    const ThreadArea area_;
    const int cpu_;
    std::function<void()> release_area_;

    // Worker only.
    State state_ = State::kNewborn;
    host::Notification notification_{};
    std::optional<ThreadFrame> frame_;
    std::optional<std::uint64_t> late_result_;

    // The trap that waits for its answer; 0 when none does. Written by the worker.
    std::atomic<std::uint64_t> waiting_id_{0};
};

}  // namespace halfcell::agent
