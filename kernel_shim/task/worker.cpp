#include "kernel_shim/task/worker.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
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

// Whoever ran in a process that died must not go on waiting. One that never started learns of it when it
// does.
void kill_contexts_of(Kernel& kernel, const mem::AddressSpace* space) {
    for (const auto& context : kernel.contexts.all())
        if (context->launched() && context->address_space().get() == space) context->kill(true);
}

Result<std::unique_ptr<machine::GuestThread>> start_in(Kernel& kernel, mem::AddressSpace& space,
                                                       const machine::ThreadRegisters& registers) {
    machine::Machine* const machine = TRY(space.machine());
    machine->on_death([&kernel, raw = &space] { kill_contexts_of(kernel, raw); });
    return machine->start_thread(registers);
}

// One worker: the loop, and what it must do for the context before the guest runs on.
class Loop final : public Answerer {
  public:
    Loop(Kernel& kernel, CallHandler& calls, Context& context, std::unique_ptr<machine::GuestThread> thread)
        : kernel_(kernel), calls_(calls), context_(context), thread_(std::move(thread)) {
        context_.set_thread(thread_.get());
        context_.late_calls().answer_through(*this);
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
                vanished();
        }
    }

  private:
    // The thread ended by itself: unless that was asked for, the host has killed its process.
    void vanished() {
        if (!context_.ending()) context_.kill(true);
        finish(std::nullopt);
    }

    // Port I/O by a context that may do it. Without a process manager the whole machine is the program's, and
    // what it does with ports in the end is to turn it off.
    void touched_port() {
        if (context_.attributes().pid == 0)
            for (const auto& other : kernel_.contexts.all())
                if (other.get() != &context_) kernel_.workers.kill(other, true);
        finish(std::nullopt);
    }

    void serve(const machine::CallTrap& trap) {
        if (context_.needs_attention()) [[unlikely]]
            return set_back(trap);
        context_.enter_call(trap);
        const std::optional<std::uint64_t> value = calls_.handle(kernel_, context_, trap);
        if (!value) return context_.waiter().break_if_due();
        if (context_.ending()) [[unlikely]] {
            context_.leave_call();
            return finish(std::nullopt);
        }
        answer(trap.number, *value);
    }

    // Late calls come here on other threads, while the worker waits for the next trap.
    void answer(std::uint32_t number, std::uint64_t value) override {
        context_.leave_call();
        if (context_.needs_attention()) [[unlikely]] {
            returned_from_.store(number, std::memory_order_release);
            thread_->request_park();
        }
        thread_->reply(value);
    }

    [[nodiscard]] std::optional<std::uint32_t> take_returned_from() {
        const std::uint64_t number = returned_from_.exchange(kNoCall, std::memory_order_acquire);
        if (number == kNoCall) return std::nullopt;
        return static_cast<std::uint32_t>(number);
    }

    // Something was asked of the thread before its call began, and the call may block for long: the thread
    // parks first, and makes its call again afterwards.
    void set_back(const machine::CallTrap& trap) {
        if (context_.ending()) return finish(std::nullopt);
        set_back_ = trap.number;
        thread_->request_park();
        thread_->reply(trap.number);
    }

    void parked(const machine::ParkTrap& park) {
        constexpr std::uint64_t kGeneralProtection = 13;
        if (park.cause == machine::ParkTrap::Cause::kFault) {
            if (park.trap_number == kGeneralProtection && context_.may_use_ports()) return touched_port();
            if (was_held_up(park)) return thread_->resume();
            return finish(exception_of(park));
        }
        context_.clear_attention();
        if (set_back_ && !rewind(*std::exchange(set_back_, std::nullopt))) return finish(std::nullopt);
        context_.serve_parked({*thread_, take_returned_from()});
        if (context_.ending()) return finish(std::nullopt);
        // The old space must outlive the thread in it, whose registers are needed and which then ends.
        const auto old_space = context_.address_space();
        if (const auto order = context_.take_switch()) return move_to(*order);
        if (!deliver_signal()) return finish(std::nullopt);
        thread_->resume();
    }

    // False where the thread's frame is destroyed.
    bool deliver_signal() {
        const auto delivery = context_.deliver_signal(*thread_);
        if (!delivery) return false;
        if (*delivery == Context::Delivery::kInhibited)
            kernel_.signal_rechecks.add(context_.weak_from_this());
        return true;
    }

    // A store that met a page on its way to another object (mem/README.md) is simply made again.
    bool was_held_up(const machine::ParkTrap& park) {
        constexpr std::uint64_t kPageFault = 14;
        constexpr std::uint64_t kStore = 2;
        if (park.trap_number != kPageFault || (park.error_code & kStore) == 0) return false;
        const auto space = context_.address_space();
        return space != nullptr && space->store_was_held_up(park.fault_address, moves_seen_);
    }

    // Puts the thread in front of its `syscall` instruction again. False where its frame is destroyed.
    bool rewind(std::uint32_t number) {
        constexpr std::uint64_t kSyscallLength = 2;
        auto registers = thread_->registers();
        if (!registers) return false;
        registers->rip -= kSyscallLength;
        registers->rax = number;
        return thread_->set_registers(*registers).has_value();
    }

    // The parked thread goes on in another address space, with every register but rip, rsp and maybe rsi as
    // it was: as a new thread there, while the old one ends.
    void move_to(const SpaceSwitch& order) {
        auto registers = thread_->registers();
        if (!registers) return finish(std::nullopt);
        registers->rip = order.instruction_pointer;
        registers->rsp = order.stack_pointer;
        if (order.argument) registers->rsi = *order.argument;
        auto started = start_in(kernel_, *order.space, *registers);
        if (!started) return finish(std::nullopt);
        context_.late_calls().abandon();
        context_.set_thread(nullptr);
        thread_->end();
        moves_seen_ = 0;
        thread_ = std::move(*started);
        context_.set_thread(thread_.get());
    }

    void finish(std::optional<abi::Exception> exception) {
        alive_ = false;
        context_.late_calls().abandon();
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
    // Of the address space the thread runs in, for was_held_up.
    std::uint64_t moves_seen_ = 0;
    static constexpr std::uint64_t kNoCall = UINT64_MAX;
    // Why the next park was asked for: the number of the call that was answered, or is to be made again.
    std::atomic<std::uint64_t> returned_from_{kNoCall};
    std::optional<std::uint32_t> set_back_;
};

}  // namespace

Workers::~Workers() {
    for (const auto& context : kernel_.contexts.all())
        kill(context, true);
    wait_all();
    std::unique_lock lock(mutex_);
    closing_ = true;
    for (Idle* const idle : std::exchange(idle_, {}))
        idle->word.wake();
    finished_.wait(lock, [this] { return threads_ == 0; });
}

void Workers::kill(const std::shared_ptr<Context>& context, bool forced) {
    if (!context->kill(forced)) return;
    context->die(std::nullopt);
    kernel_.contexts.remove(context->id());
}

Result<void> Workers::start(const std::shared_ptr<Context>& context) {
    auto spawn = [&]() -> Result<void> {
        const auto space = context->address_space();
        if (space == nullptr) return fail(Errno::kESRCH);
        auto thread = TRY(start_in(kernel_, *space, context->initial_registers()));
        Job job{context, std::move(thread)};
        if (hand_over(job)) return {};
        try {
            std::thread([this, job = std::move(job)]() mutable { work(std::move(job)); }).detach();
        } catch (const std::system_error&) {
            std::lock_guard lock(mutex_);
            --running_;
            --threads_;
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

// Counts the job; false where it needs a thread of its own, which is then counted too.
bool Workers::hand_over(Job& job) {
    const int cpu = ::sched_getcpu();
    std::lock_guard lock(mutex_);
    ++running_;
    const auto near =
        std::find_if(idle_.rbegin(), idle_.rend(), [&](Idle* idle) { return idle->cpu == cpu; });
    if (near == idle_.rend()) {
        ++threads_;
        return false;
    }
    Idle* const idle = *near;
    idle_.erase(std::next(near).base());
    idle->job = std::move(job);
    idle->word.wake();
    return true;
}

void Workers::work(Job job) {
    for (std::optional<Job> next(std::move(job)); next; next = next_job())
        run(std::move(*next));
    // Whoever waits for the last thread may take all of this apart next.
    std::lock_guard lock(mutex_);
    --threads_;
    finished_.notify_all();
}

void Workers::run(Job job) {
    job.context->waiter().adopt_this_thread();
    Loop(kernel_, calls_, *job.context, std::move(job.thread)).run();
    kernel_.contexts.remove(job.context->id());
    // Whoever waits for the last job may look at what is left next, so nothing of it may be held then.
    job.context.reset();
    std::lock_guard lock(mutex_);
    --running_;
    finished_.notify_all();
}

std::optional<Workers::Job> Workers::next_job() {
    Idle self{.cpu = ::sched_getcpu(), .job = {}, .word = {}};
    {
        std::lock_guard lock(mutex_);
        if (closing_ || idle_.size() >= kMostIdle) return std::nullopt;
        idle_.push_back(&self);
    }
    (void)self.word.sleep(std::nullopt);
    // Under the lock, so that whoever woke us has let go of `self`.
    std::lock_guard lock(mutex_);
    if (self.job.context == nullptr) return std::nullopt;
    return std::move(self.job);
}

void Workers::wait_all() {
    std::unique_lock lock(mutex_);
    finished_.wait(lock, [this] { return running_ == 0; });
}

}  // namespace halfcell::task
