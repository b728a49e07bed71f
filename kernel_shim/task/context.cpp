#include "kernel_shim/task/context.h"

#include <algorithm>

namespace halfcell::task {

Context::Context(ContextId id, std::shared_ptr<mem::AddressSpace> space, std::shared_ptr<fd::FdTable> files)
    : id_(id) {
    state_.space = std::move(space);
    state_.files = std::move(files);
    // Upstream starts with rflags 0x200; bit 1 is always set by the hardware. Source:
    // kernel:src/context/arch.
    state_.initial.rflags = 0x200;
}

CallView Context::view() const {
    std::lock_guard lock(mutex_);
    return {state_.space, state_.files, state_.attributes.pid, state_.attributes.euid,
            state_.attributes.egid};
}

scheme::Caller Context::caller() {
    std::lock_guard lock(mutex_);
    const Attributes& attributes = state_.attributes;
    return {id_, attributes.pid, attributes.euid, attributes.egid, waiter_};
}

Attributes Context::attributes() const {
    std::lock_guard lock(mutex_);
    return state_.attributes;
}

void Context::set_attributes(Attributes attributes) {
    std::lock_guard lock(mutex_);
    state_.attributes = std::move(attributes);
}

std::shared_ptr<mem::AddressSpace> Context::address_space() const {
    std::lock_guard lock(mutex_);
    return state_.space;
}

std::shared_ptr<fd::FdTable> Context::files() const {
    std::lock_guard lock(mutex_);
    return state_.files;
}

std::shared_ptr<fd::FdTable> Context::set_files(std::shared_ptr<fd::FdTable> files) {
    std::lock_guard lock(mutex_);
    std::swap(state_.files, files);
    return files;
}

Result<void> Context::switch_space(SpaceSwitch order, ContextId requester) {
    std::shared_ptr<mem::AddressSpace> replaced;  // dropped outside the lock: it may tell grant owners
    std::lock_guard lock(mutex_);
    switch (state_.run_state) {
        case RunState::kDead:
            return fail(Errno::kESRCH);
        case RunState::kNotStarted:
            state_.initial.rip = order.instruction_pointer;
            state_.initial.rsp = order.stack_pointer;
            if (order.argument) state_.initial.rsi = *order.argument;
            replaced = std::exchange(state_.space, std::move(order.space));
            return {};
        case RunState::kRunnable:
        case RunState::kStopped:
            break;
    }
    if (requester != id_) return fail(Errno::kEBUSY);
    state_.pending_switch = std::move(order);
    attention_.store(true, std::memory_order_release);
    return {};
}

std::optional<SpaceSwitch> Context::take_switch() {
    std::shared_ptr<mem::AddressSpace> replaced;
    std::lock_guard lock(mutex_);
    auto order = std::exchange(state_.pending_switch, std::nullopt);
    if (order) replaced = std::exchange(state_.space, order->space);
    return order;
}

machine::ThreadRegisters Context::initial_registers() const {
    std::lock_guard lock(mutex_);
    return state_.initial;
}

void Context::set_initial_registers(const machine::ThreadRegisters& registers) {
    std::lock_guard lock(mutex_);
    state_.initial = registers;
}

void Context::enter_call(const machine::CallTrap& trap) {
    call_.number.store(trap.number, std::memory_order_relaxed);
    for (std::size_t i = 0; i < trap.args.size(); ++i)
        call_.args[i].store(trap.args[i], std::memory_order_relaxed);
    call_.active.store(true, std::memory_order_release);
}

std::optional<Context::CurrentCall> Context::current_call() const {
    if (!call_.active.load(std::memory_order_acquire)) return std::nullopt;
    CurrentCall call{call_.number.load(std::memory_order_relaxed), {}};
    for (std::size_t i = 0; i < call.args.size(); ++i)
        call.args[i] = call_.args[i].load(std::memory_order_relaxed);
    return call;
}

void Context::ask_for_park(State& state) {
    attention_.store(true, std::memory_order_release);
    if (state.thread != nullptr) state.thread->request_park();
}

void Context::set_thread(machine::GuestThread* thread) {
    std::lock_guard lock(mutex_);
    state_.thread = thread;
    // An order given before there was a thread to park.
    if (thread != nullptr && (ending() || state_.run_state == RunState::kStopped)) ask_for_park(state_);
}

Result<void> Context::inspect(wait::Waiter& requester, std::function<void(machine::GuestThread&)> job) {
    auto entry = std::make_shared<Job>(Job{std::move(job), &requester});
    {
        std::lock_guard lock(mutex_);
        if (state_.run_state == RunState::kDead || state_.thread == nullptr) return fail(Errno::kESRCH);
        if (call_.active.load(std::memory_order_acquire)) return fail(Errno::kEBUSY);
        requester.prepare("Context::inspect");
        state_.jobs.push_back(entry);
        ask_for_park(state_);
    }
    const wait::Wake wake = requester.sleep({});
    std::lock_guard lock(mutex_);
    std::erase(state_.jobs, entry);
    if (entry->done) return {};
    if (wake == wait::Wake::kNotified) return fail(Errno::kESRCH);
    return fail(Errno::kEINTR);
}

void Context::run_jobs(machine::GuestThread& thread) {
    for (;;) {
        std::lock_guard lock(mutex_);
        if (state_.jobs.empty()) return;
        const auto job = state_.jobs.front();
        state_.jobs.erase(state_.jobs.begin());
        job->run(thread);
        job->done = true;
        job->requester->notify();
    }
}

}  // namespace halfcell::task
