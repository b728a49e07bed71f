#include "kernel_shim/task/guest_loop.h"

#include <utility>

#include "kernel_shim/task/kernel.h"
#include "kernel_shim/wait/host_call.h"

namespace halfcell::task {

namespace {

using abi::PtraceFlags;

constexpr std::uint64_t kDebugTrap = 1;
constexpr std::uint64_t kBreakpointTrap = 3;
constexpr std::uint64_t kGeneralProtection = 13;
constexpr std::uint64_t kPageFault = 14;

// What a fault is to Redox. Only page faults carry an address, and only some traps an error code.
// Source: kernel:src/arch/x86_shared/interrupt/exception.rs.
abi::Exception exception_of(const machine::ParkTrap& park) {
    constexpr std::uint64_t kAlignment = 17;
    const bool has_code = (park.trap_number >= 10 && park.trap_number <= kPageFault) ||
                          park.trap_number == kAlignment || park.trap_number == 8;
    abi::Exception exception{};
    exception.kind = park.trap_number;
    exception.code = has_code ? park.error_code : 0;
    exception.address = park.trap_number == kPageFault ? park.fault_address : 0;
    return exception;
}

// Whoever ran in a process that died must not go on waiting. One that never started learns of it when it
// does.
void kill_contexts_of(Kernel& kernel, const mem::AddressSpace* space) {
    for (const auto& context : kernel.contexts.all())
        if (context->launched() && context->address_space().get() == space) context->kill(true);
}

// Whether signals wait for a context, and the handlers of all want interrupted calls to be made again.
bool signals_restart(const Context& context) {
    const auto signals = context.signals();
    if (signals == nullptr) return false;
    const std::uint64_t waiting = signals->pending_unblocked();
    const auto* const process = signals->proc_control.structure<const abi::SigProcControl>();
    if (waiting == 0 || process == nullptr) return false;
    for (std::size_t index = 0; index < std::size(process->actions); ++index) {
        const std::uint64_t action = abi::load_relaxed(process->actions[index].first);
        if (((waiting >> index) & 1) != 0 && (action & abi::ActionBits::kRestart) == 0) return false;
    }
    return true;
}

}  // namespace

Result<std::unique_ptr<machine::GuestThread>> start_guest_thread(Kernel& kernel, mem::AddressSpace& space,
                                                                 const machine::ThreadRegisters& registers) {
    machine::Machine* const machine = TRY(space.machine());
    machine->on_death([&kernel, raw = &space] { kill_contexts_of(kernel, raw); });
    return machine->start_thread(registers);
}

GuestLoop::GuestLoop(Kernel& kernel, CallHandler& calls, Context& context,
                     std::unique_ptr<machine::GuestThread> thread)
    : kernel_(kernel), calls_(calls), context_(context), thread_(std::move(thread)) {
    announce_thread();
    context_.late_calls().answer_through(this);
}

void GuestLoop::announce_thread() {
    wait::HostCall::set_guest({.waits = [thread = thread_.get()] { return thread->still_waiting(); },
                               .signals_restart = [this] { return signals_restart(context_); }});
    context_.set_thread(thread_.get());
}

void GuestLoop::run() {
    while (alive_) {
        const machine::Trap trap = thread_->next();
        if (const auto* call = std::get_if<machine::CallTrap>(&trap))
            serve(*call);
        else if (const auto* park = std::get_if<machine::ParkTrap>(&trap))
            parked(*park);
        else
            vanished();
    }
}

// The thread ended by itself: unless that was asked for, the host has killed its process.
void GuestLoop::vanished() {
    if (!context_.ending()) context_.kill(true);
    finish(std::nullopt);
}

// Port I/O by a context that may do it. Without a process manager the whole machine is the program's, and
// what it does with ports in the end is to turn it off.
void GuestLoop::touched_port() {
    if (context_.attributes().pid == 0)
        for (const auto& other : kernel_.contexts.all())
            if (other.get() != &context_) kernel_.workers.kill(other, true);
    finish(std::nullopt);
}

void GuestLoop::serve(const machine::CallTrap& trap) {
    if (context_.needs_attention()) [[unlikely]] {
        if (context_.ending()) return finish(std::nullopt);
        if (context_.asked() || wants_calls_parked()) return set_back(trap.number);
    }
    context_.enter_call(trap);
    const std::optional<std::uint64_t> value = calls_.handle(kernel_, context_, trap);
    if (!value) return context_.waiter().break_if_due();
    if (context_.ending()) [[unlikely]] {
        context_.leave_call();
        return finish(std::nullopt);
    }
    answer(trap.number, *value);
}

void GuestLoop::answer(std::uint32_t number, std::uint64_t value) {
    context_.leave_call();
    if (context_.needs_attention()) [[unlikely]] {
        // What was asked while the call went on.
        const bool broken = context_.waiter().take_broken();
        if (broken && value == abi::mux_error(Errno::kEINTR) && !context_.signal_pending())
            return set_back(number);
        if (context_.asked() || wants_calls_parked()) {
            returned_from_.store(number, std::memory_order_release);
            thread_->request_park();
        }
    }
    thread_->reply(value);
}

std::optional<std::uint32_t> GuestLoop::take(std::atomic<std::uint64_t>& number) {
    const std::uint64_t taken = number.exchange(kNoCall, std::memory_order_acquire);
    if (taken == kNoCall) return std::nullopt;
    return static_cast<std::uint32_t>(taken);
}

// A notification tells six arguments and a number; whoever wants all registers at a call wants it parked.
bool GuestLoop::wants_calls_parked() const {
    constexpr std::uint64_t kStopsAtCalls = PtraceFlags::kPtraceStopPreSyscall |
                                            PtraceFlags::kPtraceStopPostSyscall |
                                            PtraceFlags::kPtraceStopSinglestep;
    if (step_.armed()) return true;
    const auto tracee = context_.tracee();
    return tracee != nullptr && tracee->wants(kStopsAtCalls);
}

// Something was asked of the thread before its call began, and the call may block for long: the thread parks
// first, and makes its call again afterwards.
void GuestLoop::set_back(std::uint32_t number) {
    set_back_.store(number, std::memory_order_release);
    thread_->request_park();
    thread_->reply(number);
}

void GuestLoop::parked(const machine::ParkTrap& park) {
    is_parked_ = true;
    if (park.cause == machine::ParkTrap::Cause::kFault) return faulted(park);
    if (step_.armed()) {
        const auto space = context_.address_space();
        if (space == nullptr || !step_.disarm(*thread_, *space, false)) return finish(std::nullopt);
    }
    Parked state;
    state.returned_from = take(returned_from_);
    state.call_ended = state.returned_from.has_value();
    if (const auto number = take(set_back_)) {
        if (!rewind(*number)) return finish(std::nullopt);
        const auto registers = thread_->registers();
        if (!registers) return finish(std::nullopt);
        state.call = PendingCall{.address = registers->rip, .number = *number};
    }
    attend(state);
}

// Does for the parked thread what was asked, until nothing is left; then it runs on.
void GuestLoop::attend(Parked parked) {
    for (;;) {
        context_.clear_asked();
        context_.serve_parked({*thread_, std::exchange(parked.returned_from, std::nullopt)});
        if (context_.ending()) return finish(std::nullopt);
        const auto tracee = context_.tracee();
        if (std::exchange(parked.call_ended, false) && tracee != nullptr) {
            report_end_of_call(*tracee);
            continue;
        }
        if (const auto kind = context_.asked_trace_stop(); kind && tracee != nullptr) {
            stop(*tracee,
                 event_of(context_.id(), *kind,
                          *kind == StopKind::kSpaceSwitch ? PtraceFlags::kPtraceEventAddrspaceSwitch : 0));
            continue;
        }
        // The old space must outlive the thread in it, whose registers are needed and which then ends.
        const auto old_space = context_.address_space();
        if (const auto order = context_.take_switch()) return move_to(*order);
        switch (deliver_signal(tracee.get())) {
            case Signalled::kNo:
                break;
            case Signalled::kYes:
                // The handler returns to the call, which is then made anew.
                parked.call.reset();
                break;
            case Signalled::kAgain:
                continue;
            case Signalled::kBroken:
                return finish(std::nullopt);
        }
        if (parked.call && tracee != nullptr && wants_calls_parked()) {
            if (!make_call_parked(*tracee, parked)) return;
            continue;
        }
        if (context_.asked()) continue;
        if (!parked.call) (void)context_.take_halted_sleep();
        if (tracee != nullptr && tracee->wants(PtraceFlags::kPtraceStopSinglestep))
            if (!step_.arm(*thread_, *old_space)) return finish(std::nullopt);
        return run_on();
    }
}

void GuestLoop::run_on() {
    is_parked_ = false;
    thread_->resume();
}

GuestLoop::Signalled GuestLoop::deliver_signal(const Tracee* tracee) {
    if (tracee != nullptr && tracee->wants(PtraceFlags::kPtraceStopSignal)) {
        if (const auto next = context_.next_signal()) {
            const std::uint64_t flags =
                stop(*tracee, event_of(context_.id(), StopKind::kSignal, PtraceFlags::kPtraceStopSignal,
                                       next->number, next->handler));
            if (context_.ending()) return Signalled::kAgain;
            if ((flags & PtraceFlags::kPtraceFlagIgnore) != 0) {
                context_.drop_signal(next->number);
                return Signalled::kAgain;
            }
        }
    }
    const auto delivery = context_.deliver_signal(*thread_);
    if (!delivery) return Signalled::kBroken;
    if (*delivery == Context::Delivery::kInhibited) kernel_.signal_rechecks.add(context_.weak_from_this());
    return *delivery == Context::Delivery::kDelivered ? Signalled::kYes : Signalled::kNo;
}

void GuestLoop::faulted(const machine::ParkTrap& park) {
    if (park.trap_number == kGeneralProtection && context_.may_use_ports()) return touched_port();
    // A step goes on with the instruction, its flag is still there.
    if (was_held_up(park)) return run_on();
    const bool executed = step_.armed() && park.trap_number == kDebugTrap;
    if (step_.armed()) {
        const auto space = context_.address_space();
        if (space == nullptr || !step_.disarm(*thread_, *space, executed)) return finish(std::nullopt);
    }
    if (executed) return stepped(park);
    const auto tracee = context_.tracee();
    const abi::Exception exception = exception_of(park);
    if (tracee != nullptr && park.trap_number == kBreakpointTrap &&
        tracee->wants(PtraceFlags::kPtraceStopBreakpoint)) {
        TraceEvent event = event_of(context_.id(), StopKind::kBreakpoint, PtraceFlags::kPtraceStopBreakpoint);
        event.exception = exception;
        const std::uint64_t flags = stop(*tracee, std::move(event));
        if ((flags & PtraceFlags::kPtraceFlagIgnore) != 0) skip_breakpoint();
        return attend({});
    }
    if (tracee != nullptr && tracee->wants(StopFlags::kFault)) {
        TraceEvent event = event_of(context_.id(), StopKind::kFault, 0);
        event.exception = exception;
        const std::uint64_t flags = stop(*tracee, std::move(event));
        if ((flags & PtraceFlags::kPtraceFlagIgnore) != 0) return attend({});
    }
    finish(exception);
}

// One instruction has been executed with our flag set.
void GuestLoop::stepped(const machine::ParkTrap& park) {
    const auto tracee = context_.tracee();
    if (tracee == nullptr || !tracee->wants(PtraceFlags::kPtraceStopSinglestep)) return attend({});
    const auto registers = thread_->registers();
    if (!registers) return finish(std::nullopt);
    if (!tracee->steps_through(registers->rip)) {
        TraceEvent event = event_of(context_.id(), StopKind::kSingleStep, PtraceFlags::kPtraceStopSinglestep);
        event.exception = exception_of(park);
        stop(*tracee, std::move(event));
    }
    attend({});
}

// A store that met a page on its way to another object (mem/README.md) is simply made again.
bool GuestLoop::was_held_up(const machine::ParkTrap& park) {
    constexpr std::uint64_t kStore = 2;
    if (park.trap_number != kPageFault || (park.error_code & kStore) == 0) return false;
    const auto space = context_.address_space();
    return space != nullptr && space->store_was_held_up(park.fault_address, moves_seen_);
}

// Puts the thread in front of its `syscall` instruction again. False where its frame is destroyed.
bool GuestLoop::rewind(std::uint32_t number) {
    auto registers = thread_->registers();
    if (!registers) return false;
    registers->rip -= kSyscallLength;
    registers->rax = number;
    return thread_->set_registers(*registers).has_value();
}

// The parked thread goes on in another address space, with every register but rip, rsp and maybe rsi as it
// was: as a new thread there, while the old one ends.
void GuestLoop::move_to(const SpaceSwitch& order) {
    auto registers = thread_->registers();
    if (!registers) return finish(std::nullopt);
    registers->rip = order.instruction_pointer;
    registers->rsp = order.stack_pointer;
    if (order.argument) registers->rsi = *order.argument;
    auto started = start_guest_thread(kernel_, *order.space, *registers);
    if (!started) return finish(std::nullopt);
    context_.set_entry_stack(order.stack_pointer);
    context_.late_calls().abandon();
    context_.set_thread(nullptr);
    thread_->end();
    moves_seen_ = 0;
    step_.forget();
    is_parked_ = false;
    thread_ = std::move(*started);
    const auto tracee = context_.tracee();
    if (tracee != nullptr) {
        if (tracee->wants(StopFlags::kSpaceSwitch))
            context_.request_trace_stop(StopKind::kSpaceSwitch);
        else if (tracee->wants(PtraceFlags::kPtraceEventAddrspaceSwitch))
            tracee->report(
                event_of(context_.id(), StopKind::kSpaceSwitch, PtraceFlags::kPtraceEventAddrspaceSwitch));
    }
    // Parks a traced one before its first instruction, so that it can be stopped or stepped there.
    announce_thread();
}

void GuestLoop::finish(std::optional<abi::Exception> exception) {
    context_.late_calls().abandon();
    show_exit(exception);
    alive_ = false;
    wait::HostCall::set_guest({});
    // Nobody waits any more for what is written and closed now.
    const wait::HostCall::Unbroken to_the_end;
    context_.set_thread(nullptr);
    thread_->end();
    thread_.reset();
    context_.die(exception);
}

}  // namespace halfcell::task
