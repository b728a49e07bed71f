// The stops of a traced context, and its calls: they are made while the thread is parked, so that its
// registers are all there in front of the call and behind it.

#include <array>

#include "abi/proc_call.h"
#include "kernel_shim/task/guest_loop.h"
#include "kernel_shim/task/kernel.h"

namespace halfcell::task {

namespace {

using abi::PtraceFlags;

}  // namespace

std::uint64_t GuestLoop::stop(const Tracee& tracee, TraceEvent event) {
    if (!context_.trace_stop(tracee, {*thread_, std::nullopt}, std::move(event))) return 0;
    return tracee.flags();
}

// Makes the call the thread stands in front of. False where the context has ended in it.
bool GuestLoop::make_call_parked(const Tracee& tracee, Parked& parked) {
    PendingCall& call = *parked.call;
    const auto broken_frame = [this] {
        finish(std::nullopt);
        return false;
    };
    auto registers = thread_->registers();
    if (!registers) return broken_frame();
    if (registers->rip != call.address || registers->rax != call.number) {
        // A tracer has sent it elsewhere. It makes its call, if it still does, with what it has now.
        parked.call.reset();
        (void)context_.take_halted_sleep();
        return true;
    }
    // As the instruction leaves them.
    registers->rip += kSyscallLength;
    registers->rcx = registers->rip;
    registers->r11 = registers->rflags;
    if (!thread_->set_registers(*registers)) return broken_frame();
    if (!call.pre_reported && tracee.wants(PtraceFlags::kPtraceStopPreSyscall)) {
        const std::uint64_t flags =
            stop(tracee, event_of(context_.id(), StopKind::kPreSyscall, PtraceFlags::kPtraceStopPreSyscall));
        if (context_.ending()) {
            finish(std::nullopt);
            return false;
        }
        registers = thread_->registers();
        if (!registers) return broken_frame();
        if ((flags & PtraceFlags::kPtraceFlagIgnore) != 0) {
            parked.call_ended = true;
            parked.call.reset();
            return true;
        }
    }
    const auto number = static_cast<std::uint32_t>(registers->rax);
    const machine::CallTrap trap{.number = number,
                                 .args = {registers->rdi, registers->rsi, registers->rdx, registers->r10,
                                          registers->r8, registers->r9},
                                 .instruction_pointer = registers->rip};
    context_.enter_call(trap);
    // Whoever answered late could not answer a thread that is parked.
    context_.late_calls().answer_through(nullptr);
    context_.hold_parked(true);
    const std::uint64_t value = calls_.handle(kernel_, context_, trap).value_or(0);
    context_.hold_parked(false);
    context_.late_calls().answer_through(this);
    context_.leave_call();
    const bool broken = context_.waiter().take_broken() && !context_.ending() &&
                        value == abi::mux_error(Errno::kEINTR) && !context_.signal_pending();
    if (broken) {
        registers->rip -= kSyscallLength;
        call = {.address = registers->rip, .number = number, .pre_reported = true};
        return thread_->set_registers(*registers) ? true : broken_frame();
    }
    registers->rax = value;
    if (!thread_->set_registers(*registers)) return broken_frame();
    if (context_.ending()) {
        finish(std::nullopt);
        return false;
    }
    parked.returned_from = number;
    parked.call_ended = true;
    parked.call.reset();
    return true;
}

void GuestLoop::report_end_of_call(const Tracee& tracee) {
    if (tracee.wants(PtraceFlags::kPtraceStopPostSyscall)) {
        stop(tracee, event_of(context_.id(), StopKind::kPostSyscall, PtraceFlags::kPtraceStopPostSyscall));
    } else if (tracee.wants(PtraceFlags::kPtraceStopSinglestep)) {
        const auto registers = thread_->registers();
        if (registers && tracee.steps_through(registers->rip)) return;
        stop(tracee, event_of(context_.id(), StopKind::kSingleStep, PtraceFlags::kPtraceStopSinglestep));
    }
}

// Goes on behind the int3 the thread has stopped at, unless the tracer has put something else there.
void GuestLoop::skip_breakpoint() {
    constexpr std::byte kBreakpoint{0xcc};
    auto registers = thread_->registers();
    const auto space = context_.address_space();
    std::array<std::byte, 1> byte{};
    if (!registers || space == nullptr || !space->read(registers->rip, byte) || byte[0] != kBreakpoint)
        return;
    registers->rip += 1;
    (void)thread_->set_registers(*registers);
}

// The last stop: whatever the tracer says, the context ends.
void GuestLoop::show_exit(const std::optional<abi::Exception>& exception) {
    const auto tracee = context_.tracee();
    if (tracee == nullptr || !tracee->wants(PtraceFlags::kPtraceStopExit)) return;
    auto status = context_.exit_to_show();
    if (!status) return;
    // To Redox a fault is an exit with code 1.
    if (exception) status = abi::wait_status_exited(1);
    if (!is_parked_ && !park_here()) return;
    TraceEvent event = event_of(context_.id(), StopKind::kExit, PtraceFlags::kPtraceStopExit,
                                static_cast<std::uint32_t>(*status));
    if (exception) event.exception = *exception;
    stop(*tracee, std::move(event));
}

// Parks a thread that is inside a call, which is answered with 0. False where it has vanished.
bool GuestLoop::park_here() {
    for (;;) {
        thread_->request_park();
        thread_->reply(0);
        const machine::Trap trap = thread_->next();
        if (std::holds_alternative<machine::Gone>(trap)) return false;
        if (!std::holds_alternative<machine::ParkTrap>(trap)) continue;
        is_parked_ = true;
        const auto space = context_.address_space();
        return space != nullptr && step_.disarm(*thread_, *space, false).has_value();
    }
}

}  // namespace halfcell::task
