#include "kernel_shim/task/worker.h"

#include <csignal>
#include <system_error>
#include <utility>

#include "kernel_shim/task/kernel.h"

namespace halfcell::task {

namespace {

// What a fault is to Redox. Only page faults carry an address, and only some traps an error code.
// Source: kernel:src/arch/x86_shared/interrupt/exception.rs.
abi::Exception exception_of(const machine::ParkTrap& park) {
    constexpr std::uint64_t kPageFault = 14;
    constexpr std::uint64_t kAlignment = 17;
    const bool has_code = (park.trap_number >= 10 && park.trap_number <= kPageFault) ||
                          park.trap_number == kAlignment || park.trap_number == 8;
    abi::Exception exception{};
    exception.kind = park.trap_number;
    exception.code = has_code ? park.error_code : 0;
    exception.address = park.trap_number == kPageFault ? park.fault_address : 0;
    return exception;
}

// One worker: the loop, and what it must do for the context before the guest runs on.
class Loop {
  public:
    Loop(Kernel& kernel, CallHandler& calls, Context& context, std::unique_ptr<machine::GuestThread> thread)
        : kernel_(kernel), calls_(calls), context_(context), thread_(std::move(thread)) {
        context_.set_thread(thread_.get());
    }

    // Serves the guest thread until it or its context has ended, then ends the other.
    void run() {
        while (alive_) {
            const machine::Trap trap = thread_->next();
            if (const auto* call = std::get_if<machine::CallTrap>(&trap))
                serve(*call);
            else if (const auto* park = std::get_if<machine::ParkTrap>(&trap))
                parked(*park);
            else
                finish(std::nullopt);
        }
    }

  private:
    void serve(const machine::CallTrap& trap) {
        context_.enter_call(trap);
        const std::uint64_t value = calls_.handle(kernel_, context_, trap);
        context_.leave_call();
        if (context_.needs_attention()) [[unlikely]] {
            context_.clear_attention();
            context_.wait_while_stopped();
            if (context_.ending()) return finish(std::nullopt);
            if (auto order = context_.take_switch()) return move_to(*order, value);
        }
        thread_->reply(value);
    }

    void parked(const machine::ParkTrap& park) {
        constexpr std::uint64_t kGeneralProtection = 13;
        if (park.cause == machine::ParkTrap::Cause::kFault) {
            if (park.trap_number == kGeneralProtection && context_.may_use_ports())
                return finish(std::nullopt);
            return finish(exception_of(park));
        }
        context_.clear_attention();
        context_.run_jobs(*thread_);
        context_.wait_while_stopped();
        if (context_.ending()) return finish(std::nullopt);
        thread_->resume();
    }

    // The caller replaced its own address space: the call returns into the new one, with every register but
    // rip, rsp and maybe rsi as it was. The old thread is parked for its registers and ends.
    void move_to(const SpaceSwitch& order, std::uint64_t value) {
        thread_->request_park();
        thread_->reply(value);
        const machine::Trap trap = thread_->next();
        if (!std::holds_alternative<machine::ParkTrap>(trap)) return finish(std::nullopt);
        auto registers = thread_->registers();
        if (!registers) return finish(std::nullopt);
        registers->rip = order.instruction_pointer;
        registers->rsp = order.stack_pointer;
        if (order.argument) registers->rsi = *order.argument;
        auto started = start_in(*order.space, *registers);
        if (!started) return finish(std::nullopt);
        context_.set_thread(nullptr);
        thread_->end();
        thread_ = std::move(*started);
        context_.set_thread(thread_.get());
    }

    Result<std::unique_ptr<machine::GuestThread>> start_in(mem::AddressSpace& space,
                                                           const machine::ThreadRegisters& registers) {
        machine::Machine* const machine = TRY(space.machine());
        return machine->start_thread(registers);
    }

    void finish(std::optional<abi::Exception> exception) {
        alive_ = false;
        context_.set_thread(nullptr);
        thread_->end();
        thread_.reset();
        context_.die(exception);
    }

    Kernel& kernel_;
    CallHandler& calls_;
    Context& context_;
    std::unique_ptr<machine::GuestThread> thread_;
    bool alive_ = true;
};

// Whoever ran in a process that died must not go on waiting.
void kill_contexts_of(Kernel& kernel, const mem::AddressSpace* space) {
    for (const auto& context : kernel.contexts.all())
        if (context->address_space().get() == space) context->kill(false);
}

}  // namespace

Workers::~Workers() {
    for (const auto& context : kernel_.contexts.all())
        context->kill(true);
    wait_all();
}

Result<void> Workers::start(const std::shared_ptr<Context>& context) {
    auto spawn = [&]() -> Result<void> {
        const auto space = context->address_space();
        if (space == nullptr) return fail(Errno::kESRCH);
        machine::Machine* const machine = TRY(space->machine());
        machine->on_death([this, raw = space.get()] { kill_contexts_of(kernel_, raw); });
        auto thread = TRY(machine->start_thread(context->initial_registers()));
        {
            std::lock_guard lock(mutex_);
            ++running_;
        }
        try {
            std::thread([this, context, guest = std::move(thread)]() mutable {
                run(context, std::move(guest));
            }).detach();
        } catch (const std::system_error&) {
            std::lock_guard lock(mutex_);
            --running_;
            return fail(Errno::kEAGAIN);
        }
        return {};
    };
    const Result<void> started = spawn();
    if (!started) {
        context->die(std::nullopt);
        kernel_.contexts.remove(context->id());
    }
    return started;
}

void Workers::run(const std::shared_ptr<Context>& context, std::unique_ptr<machine::GuestThread> thread) {
    Loop(kernel_, calls_, *context, std::move(thread)).run();
    kernel_.contexts.remove(context->id());
    std::lock_guard lock(mutex_);
    --running_;
    finished_.notify_all();
}

void Workers::wait_all() {
    std::unique_lock lock(mutex_);
    finished_.wait(lock, [this] { return running_ == 0; });
}

}  // namespace halfcell::task
