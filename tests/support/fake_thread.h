#pragma once

// A guest thread played by the test: it "runs" until the test makes it call or fault, or a park is asked for.
// With the trap flag set it executes one instruction of one byte, and traps.

#include <condition_variable>
#include <deque>
#include <mutex>

#include "kernel_shim/machine/guest_thread.h"

namespace halfcell::test {

// What the test and the worker share; outlives the thread.
class ThreadScript {
  public:
    // The thread executes `syscall` as soon as it runs.
    void call(std::uint32_t number, std::array<std::uint64_t, 6> args = {});
    // Waits until a call made earlier has been answered and the thread runs again; returns the answer.
    std::uint64_t answer();
    void fault(const machine::ParkTrap& trap);

    // Registers as they are now.
    [[nodiscard]] machine::ThreadRegisters registers() const;
    void set_registers(const machine::ThreadRegisters& registers);
    // How often it was parked, and whether it has ended.
    [[nodiscard]] int parks() const;
    [[nodiscard]] bool ended() const;
    // Waits until it has ended.
    void wait_ended();

  private:
    friend class FakeThread;
    enum class State { kRunning, kInCall, kParked };

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    State state_ = State::kRunning;
    bool park_requested_ = false;
    bool ended_ = false;
    int parks_ = 0;
    std::deque<machine::Trap> traps_;
    std::deque<std::uint64_t> answers_;
    std::uint32_t calling_ = 0;
    bool set_back_ = false;  // in front of a call that was received already
    machine::ThreadRegisters registers_;
    std::array<std::byte, 416> floats_{};
    std::array<std::byte, 256> upper_halves_{};
};

class FakeThread final : public machine::GuestThread {
  public:
    FakeThread(std::shared_ptr<ThreadScript> script, const machine::ThreadRegisters& registers);

    machine::Trap next() override;
    void reply(std::uint64_t value) override;
    [[nodiscard]] bool still_waiting() const override;
    void request_park() override;
    Result<machine::ThreadRegisters> registers() const override;
    Result<void> set_registers(const machine::ThreadRegisters& registers) override;
    Result<void> read_float(std::span<std::byte, 416> to) const override;
    Result<void> write_float(std::span<const std::byte, 416> from) override;
    Result<void> read_upper_halves(std::span<std::byte, 256> to) const override;
    Result<void> write_upper_halves(std::span<const std::byte, 256> from) override;
    void resume() override;
    void end() override;

  private:
    const std::shared_ptr<ThreadScript> script_;
};

}  // namespace halfcell::test
