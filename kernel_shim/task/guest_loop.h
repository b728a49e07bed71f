#pragma once

// What a worker does for one guest thread: it receives its traps, answers them, and does what others want
// done to the thread before it runs on.

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "kernel_shim/machine/guest_thread.h"
#include "kernel_shim/task/context.h"
#include "kernel_shim/task/single_step.h"
#include "kernel_shim/task/trace_session.h"
#include "kernel_shim/task/worker.h"

namespace halfcell::task {

// Starts a thread in a space, whose process is made where it has none. Errors of AddressSpace::machine and
// Machine::start_thread.
Result<std::unique_ptr<machine::GuestThread>> start_guest_thread(Kernel& kernel, mem::AddressSpace& space,
                                                                 const machine::ThreadRegisters& registers);

class GuestLoop final : public Answerer {
  public:
    GuestLoop(Kernel& kernel, CallHandler& calls, Context& context,
              std::unique_ptr<machine::GuestThread> thread);

    // Serves the guest thread until it or its context has ended, then ends the other. Blocks.
    void run();

  private:
    static constexpr std::uint64_t kSyscallLength = 2;

    // A call the thread stands in front of, set back there for a park: it is made again when it runs on.
    struct PendingCall {
        std::uint64_t address = 0;  // of the `syscall` instruction
        std::uint32_t number = 0;
        bool pre_reported = false;  // a tracer has seen it
    };
    // What a park comes after, and what is still to be done in it.
    struct Parked {
        std::optional<std::uint32_t> returned_from;  // number of the call just answered
        bool call_ended = false;                     // a tracer may want to hear of that
        std::optional<PendingCall> call;
    };

    void announce_thread();
    void serve(const machine::CallTrap& trap);
    // Late calls come here on other threads, while the worker waits for the next trap.
    void answer(std::uint32_t number, std::uint64_t value) override;
    [[nodiscard]] bool wants_calls_parked() const;
    void set_back(std::uint32_t number);
    void parked(const machine::ParkTrap& park);
    void attend(Parked parked);
    enum class Signalled : std::uint8_t { kNo, kYes, kAgain, kBroken };
    Signalled deliver_signal(const Tracee* tracee);
    void faulted(const machine::ParkTrap& park);
    void stepped(const machine::ParkTrap& park);
    [[nodiscard]] bool was_held_up(const machine::ParkTrap& park);
    void touched_port();
    void vanished();
    void run_on();
    bool rewind(std::uint32_t number);
    void move_to(const SpaceSwitch& order);
    void finish(std::optional<abi::Exception> exception);

    // Of a traced context (guest_loop_trace.cpp).
    bool make_call_parked(const Tracee& tracee, Parked& parked);
    void report_end_of_call(const Tracee& tracee);
    std::uint64_t stop(const Tracee& tracee, TraceEvent event);
    void skip_breakpoint();
    void show_exit(const std::optional<abi::Exception>& exception);
    bool park_here();

    static constexpr std::uint64_t kNoCall = UINT64_MAX;
    static std::optional<std::uint32_t> take(std::atomic<std::uint64_t>& number);

    Kernel& kernel_;
    CallHandler& calls_;
    Context& context_;
    std::unique_ptr<machine::GuestThread> thread_;
    bool alive_ = true;
    // The thread is in a park, and its registers are at hand.
    bool is_parked_ = false;
    SingleStep step_;
    // Of the address space the thread runs in, for was_held_up.
    std::uint64_t moves_seen_ = 0;
    // Why the next park was asked for: the number of the call that was answered, or is to be made again. Left
    // by who answers, for the worker.
    std::atomic<std::uint64_t> returned_from_{kNoCall};
    std::atomic<std::uint64_t> set_back_{kNoCall};
};

}  // namespace halfcell::task
