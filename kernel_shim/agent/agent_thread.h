#pragma once

// A guest thread behind a seccomp listener.

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "kernel_shim/agent/park_state.h"
#include "kernel_shim/agent/reaper.h"
#include "kernel_shim/agent/spare_threads.h"
#include "kernel_shim/agent/spreader.h"
#include "kernel_shim/agent/thread_frame.h"
#include "kernel_shim/host/notify.h"
#include "kernel_shim/machine/guest_thread.h"

namespace halfcell::agent {

class AgentThread final : public machine::GuestThread {
  public:
    struct Parts {
        std::shared_ptr<AgentProcess> process;
        Reaper* reaper = nullptr;              // outlives the thread
        std::shared_ptr<SpareThreads> spares;  // takes the seat when the thread has ended
        ThreadSeat seat;
        // The park in which a spare thread waits; none where HELLO is still to come.
        std::optional<std::uint64_t> spare_park;
        std::shared_ptr<Spreader> spreader;
        // Whether the spreader may give it a CPU of its own should it last.
        bool movable = false;
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
    Result<void> read_upper_halves(std::span<std::byte, 256> to) const override;
    Result<void> write_upper_halves(std::span<const std::byte, 256> from) override;
    void resume() override;
    void end() override;

  private:
    // kNewborn -> kRunning <-> kInCall, kRunning <-> kParked; every state -> kGone.
    enum class State { kNewborn, kRunning, kInCall, kParked, kGone };

    machine::Trap vanish();
    void leave();
    bool retire();
    bool begin();
    bool complete_birth();
    bool receive_park();
    void answer_park(bool end_thread);
    bool receive();
    void let_run(std::uint64_t id, std::uint64_t value);
    void look_after();
    void answer_call(std::uint64_t value);
    void signal_park();
    void keep_watch();

    const std::shared_ptr<AgentProcess> process_;
    Reaper& reaper_;
    const std::shared_ptr<ParkState> park_;
    const std::shared_ptr<SpareThreads> spares_;
    ThreadSeat seat_;
    const std::shared_ptr<Spreader> spreader_;
    const std::shared_ptr<ThreadPair> pair_;

    // The worker's; but a late answer may come from another thread, while the worker goes to its next trap.
    // That one finds kInCall or kRunning, and both mean the same to it.
    [[nodiscard]] State state() const { return state_.load(std::memory_order_relaxed); }
    void become(State state) { state_.store(state, std::memory_order_relaxed); }
    std::atomic<State> state_{State::kNewborn};

    // Worker only.
    std::optional<std::uint64_t> spare_park_;  // kNewborn only
    bool seated_ = false;                      // whether the spreader has been told of the pair
    host::Notification notification_{};
    std::optional<ThreadFrame> frame_;
    std::optional<std::uint64_t> late_result_;

    // The trap that waits for its answer; 0 when none does. Written by the worker.
    std::atomic<std::uint64_t> waiting_id_{0};
};

}  // namespace halfcell::agent
