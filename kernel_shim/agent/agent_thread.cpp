#include "kernel_shim/agent/agent_thread.h"

#include <utility>

#include "kernel_shim/agent/image.h"
#include "kernel_shim/agent/signal_mask.h"
#include "kernel_shim/host/pidfd.h"

namespace halfcell::agent {

namespace {

constexpr int kHelloCall = 3;  // close(2)

// Linux keeps -512 to -516 in rax for itself: with a signal pending it would restart the call instead of
// handing the value to the guest.
bool means_restart(std::uint64_t value) {
    const auto code = static_cast<std::int64_t>(value);
    return code <= -512 && code >= -516;
}

}  // namespace

AgentThread::AgentThread(Parts parts)
    : process_(std::move(parts.process)),
      reaper_(*parts.reaper),
      park_(std::make_shared<ParkState>(process_, parts.seat.thread)),
      spares_(std::move(parts.spares)),
      seat_(std::move(parts.seat)),
      spreader_(std::move(parts.spreader)),
      pair_(std::make_shared<ThreadPair>(seat_.thread, seat_.cpu, parts.movable)),
      spare_park_(parts.spare_park) {}

AgentThread::~AgentThread() {
    if (state() == State::kGone) return;
    leave();
    process_->kill();
}

machine::Trap AgentThread::next() {
    if (state() == State::kGone) return machine::Gone{};
    if (!std::exchange(seated_, true)) spreader_->add(pair_);
    if (state() == State::kNewborn && !begin()) return vanish();
    for (;;) {
        if (!receive()) return vanish();
        const std::uint64_t at = notification_.data.instruction_pointer;
        if (__builtin_expect(kStubCode.contains(at), 0)) {
            if (receive_park()) return frame_->trap();
            continue;
        }
        waiting_id_.store(notification_.id, std::memory_order_relaxed);
        park_->call.store(notification_.id, std::memory_order_relaxed);
        become(State::kInCall);
        const auto& args = notification_.data.args;
        return machine::CallTrap{.number = static_cast<std::uint32_t>(notification_.data.nr),
                                 .args = {args[0], args[1], args[2], args[3], args[4], args[5]},
                                 .instruction_pointer = at};
    }
}

bool AgentThread::receive() {
    if (!seat_.listener.receive(notification_)) return false;
    // The last answer may be another thread's, and is before this trap.
    (void)waiting_id_.load(std::memory_order_acquire);
    pair_->trapped();
    return true;
}

// Answers a trap. From then on the thread may have trapped again, and its worker be at it. False from the
// listener means that the trap was withdrawn; what became of the thread shows at the next receive.
void AgentThread::let_run(std::uint64_t id, std::uint64_t value) {
    pair_->runs_on();
    (void)seat_.listener.respond(id, value);
    look_after();
}

void AgentThread::look_after() {
    spreader_->notice();
    keep_watch();
}

// Lets the thread leave the stub for the first time.
bool AgentThread::begin() {
    if (!spare_park_) return complete_birth();
    pair_->trapped();
    become(State::kRunning);
    let_run(*spare_park_, kAnswerResume);
    return true;
}

// A new Linux thread's first trap of all: the stub closes its own copy of the listener, and that one call
// Linux executes.
bool AgentThread::complete_birth() {
    if (!receive()) return false;
    const auto& data = notification_.data;
    if (data.nr != kHelloCall || data.instruction_pointer != stub_addresses().after_hello ||
        static_cast<pid_t>(notification_.pid) != park_->thread) {
        process_->kill();
        return false;
    }
    become(State::kRunning);
    pair_->runs_on();
    (void)seat_.listener.respond_continue(notification_.id);
    look_after();
    return true;
}

// A trap from inside the stub. True when it is a park the worker shall see; otherwise it is answered here: a
// park nobody asked for runs on, anything but a park is a guest that jumped into the stub, and its process
// dies.
bool AgentThread::receive_park() {
    const auto& data = notification_.data;
    const bool is_park = static_cast<std::uint32_t>(data.nr) == HC_CALL_PARK &&
                         data.instruction_pointer == stub_addresses().after_park;
    const int signal = static_cast<int>(data.args[0]);
    frame_ = is_park ? ThreadFrame::read(seat_.area, data.args[2], signal) : std::nullopt;
    if (!frame_) {
        process_->kill();
        return false;
    }
    become(State::kParked);
    waiting_id_.store(notification_.id, std::memory_order_relaxed);
    if (signal == kParkSignal) {
        // In this order: a request between the two finds no signal under way and sends another.
        park_->signalled = false;
        const bool asked = park_->asked.exchange(false);
        if (late_result_) frame_->set_result(*std::exchange(late_result_, std::nullopt));
        if (!asked) {
            answer_park(false);
            return false;
        }
    }
    return true;
}

void AgentThread::reply(std::uint64_t value) {
    if (state() != State::kInCall) return;
    bool must_park = park_->asked.load(std::memory_order_relaxed);
    if (__builtin_expect(means_restart(value), 0)) {
        late_result_ = value;
        must_park = true;
        value = 0;
    }
    if (__builtin_expect(must_park, 0)) {
        // The thread must not take a step with this value before it parks, and who asked may have marked the
        // signal as being under way without having sent it yet. Two signals are as good as one.
        park_->signalled = true;
        (void)host::send_thread_signal(process_->id(), park_->thread, kParkSignal);
    }
    answer_call(value);
}

void AgentThread::answer_call(std::uint64_t value) {
    // Not of notification_, into which the worker may be receiving already.
    const std::uint64_t id = waiting_id_.load(std::memory_order_relaxed);
    become(State::kRunning);
    park_->call.store(0, std::memory_order_relaxed);
    waiting_id_.store(0, std::memory_order_release);
    let_run(id, value);
}

void AgentThread::answer_park(bool end_thread) {
    waiting_id_.store(0, std::memory_order_relaxed);
    become(State::kRunning);
    frame_->store();
    frame_.reset();
    let_run(notification_.id, end_thread ? kAnswerEnd : kAnswerResume);
}

bool AgentThread::still_waiting() const {
    const std::uint64_t id = waiting_id_.load(std::memory_order_relaxed);
    return id != 0 && seat_.listener.is_valid(id);
}

void AgentThread::request_park() {
    park_->asked = true;
    signal_park();
}

void AgentThread::signal_park() {
    if (park_->gone || park_->signalled.exchange(true)) return;
    // ESRCH: the thread has ended, which its worker learns by itself.
    (void)host::send_thread_signal(process_->id(), park_->thread, kParkSignal);
    keep_watch();
}

// Somebody must look after a signal under way, in case the guest hides from it.
void AgentThread::keep_watch() {
    if (__builtin_expect(!park_->signalled.load(std::memory_order_relaxed), 1)) return;
    if (!park_->watched.exchange(true)) reaper_.expect_park(park_);
}

Result<machine::ThreadRegisters> AgentThread::registers() const {
    if (!frame_) return fail(Errno::kEFAULT);
    return frame_->registers();
}

Result<void> AgentThread::set_registers(const machine::ThreadRegisters& registers) {
    if (!frame_) return fail(Errno::kEFAULT);
    return frame_->set_registers(registers);
}

Result<void> AgentThread::read_float(std::span<std::byte, 416> to) const {
    if (!frame_) return fail(Errno::kEFAULT);
    return frame_->read_float(to);
}

Result<void> AgentThread::write_float(std::span<const std::byte, 416> from) {
    if (!frame_) return fail(Errno::kEFAULT);
    return frame_->write_float(from);
}

Result<void> AgentThread::read_upper_halves(std::span<std::byte, 256> to) const {
    if (!frame_) return fail(Errno::kEFAULT);
    return frame_->read_upper_halves(to);
}

Result<void> AgentThread::write_upper_halves(std::span<const std::byte, 256> from) {
    if (!frame_) return fail(Errno::kEFAULT);
    return frame_->write_upper_halves(from);
}

void AgentThread::resume() {
    if (state() == State::kParked) answer_park(false);
}

void AgentThread::end() {
    if (state() == State::kGone) return;
    // Before it begins, so that a thread which has not begun never does a step of its own.
    if (state() != State::kParked) request_park();
    if (state() == State::kNewborn && !begin()) {
        vanish();
        return;
    }
    if (state() == State::kInCall) answer_call(0);
    // Whatever the thread still does before the signal reaches it is answered with 0; then it parks and ends.
    for (;;) {
        if (state() == State::kParked && retire()) return;
        if (state() == State::kParked) answer_park(true);
        const machine::Trap trap = next();
        if (std::holds_alternative<machine::Gone>(trap)) return;
        if (std::holds_alternative<machine::CallTrap>(trap)) {
            request_park();
            answer_call(0);
        }
    }
}

// Leaves the parked Linux thread to whoever comes next. Not after a fault: a guest that breaks its frame is
// better rid of it.
bool AgentThread::retire() {
    if (frame_->trap().cause != machine::ParkTrap::Cause::kRequested || !spares_->has_room()) return false;
    const ThreadFrame frame = *frame_;
    leave();
    spares_->keep({.seat = std::move(seat_), .park = notification_.id, .frame = frame});
    return true;
}

machine::Trap AgentThread::vanish() {
    leave();
    if (seat_.release_area) std::exchange(seat_.release_area, nullptr)();
    return machine::Gone{};
}

void AgentThread::leave() {
    become(State::kGone);
    park_->gone = true;
    waiting_id_.store(0, std::memory_order_relaxed);
    frame_.reset();
    seat_.cpu = spreader_->remove(*pair_);
}

}  // namespace halfcell::agent
