#include "kernel_shim/task/context.h"

namespace halfcell::task {

Context::Context(ContextId id, std::shared_ptr<mem::AddressSpace> space, std::shared_ptr<fd::FdTable> files)
    : id_(id) {
    state_.space = std::move(space);
    state_.files = std::move(files);
    state_.files->join();
    // Upstream starts with rflags 0x200; bit 1 is always set by the hardware. Source:
    // kernel:src/context/arch.
    state_.initial.rflags = 0x200;
    waiter_.set_interruption_check([this] { return signal_pending(); });
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

Result<std::vector<fd::Descriptor>> Context::replace_files(std::shared_ptr<fd::FdTable> files) {
    {
        std::lock_guard lock(mutex_);
        if (state_.leaving) return fail(Errno::kESRCH);
        files->join();
        std::swap(state_.files, files);
    }
    return files->leave();
}

Result<void> Context::switch_space(SpaceSwitch order) {
    std::shared_ptr<mem::AddressSpace> replaced;  // dropped outside the lock: it may tell grant owners
    std::lock_guard lock(mutex_);
    if (state_.leaving) return fail(Errno::kESRCH);
    if (!state_.launched) {
        state_.initial.rip = order.instruction_pointer;
        state_.initial.rsp = order.stack_pointer;
        if (order.argument) state_.initial.rsi = *order.argument;
        replaced = std::exchange(state_.space, std::move(order.space));
        return {};
    }
    state_.pending_switch = std::move(order);
    ask_for_park(state_);
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

void Context::set_segment_bases(std::uint64_t fs_base, std::uint64_t gs_base) {
    std::lock_guard lock(mutex_);
    state_.initial.fs_base = fs_base;
    state_.initial.gs_base = gs_base;
}

FloatImage Context::float_image() const {
    std::lock_guard lock(mutex_);
    return state_.float_image;
}

void Context::set_float_image(const FloatImage& image) {
    std::lock_guard lock(mutex_);
    state_.float_image = image;
}

CpuMask Context::affinity() const {
    std::lock_guard lock(mutex_);
    return state_.affinity;
}

void Context::set_affinity(const CpuMask& mask) {
    std::lock_guard lock(mutex_);
    state_.affinity = mask;
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

}  // namespace halfcell::task
