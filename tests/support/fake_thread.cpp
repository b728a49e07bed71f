#include "tests/support/fake_thread.h"

#include <algorithm>

namespace halfcell::test {

using machine::CallTrap;
using machine::Gone;
using machine::ParkTrap;
using machine::ThreadRegisters;
using machine::Trap;

void ThreadScript::call(std::uint32_t number, std::array<std::uint64_t, 6> args) {
    const std::lock_guard lock(mutex_);
    traps_.push_back(CallTrap{number, args, 0});
    changed_.notify_all();
}

std::uint64_t ThreadScript::answer() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] {
        const bool settled = state_ == State::kRunning && !park_requested_;
        return ended_ || (settled && !answers_.empty());
    });
    if (answers_.empty()) return 0;
    const std::uint64_t value = answers_.front();
    answers_.pop_front();
    return value;
}

void ThreadScript::fault(const ParkTrap& trap) {
    const std::lock_guard lock(mutex_);
    traps_.push_back(trap);
    changed_.notify_all();
}

ThreadRegisters ThreadScript::registers() const {
    const std::lock_guard lock(mutex_);
    return registers_;
}

void ThreadScript::set_registers(const ThreadRegisters& registers) {
    const std::lock_guard lock(mutex_);
    registers_ = registers;
}

int ThreadScript::parks() const {
    const std::lock_guard lock(mutex_);
    return parks_;
}

bool ThreadScript::ended() const {
    const std::lock_guard lock(mutex_);
    return ended_;
}

void ThreadScript::wait_ended() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_; });
}

FakeThread::FakeThread(std::shared_ptr<ThreadScript> script, const ThreadRegisters& registers)
    : script_(std::move(script)) {
    const std::lock_guard lock(script_->mutex_);
    script_->registers_ = registers;
}

Trap FakeThread::next() {
    ThreadScript& script = *script_;
    std::unique_lock lock(script.mutex_);
    script.changed_.wait(lock, [&] {
        return script.ended_ || (script.state_ == ThreadScript::State::kRunning &&
                                 (script.park_requested_ || !script.traps_.empty()));
    });
    if (script.ended_) return Gone{};
    if (script.park_requested_) {
        script.park_requested_ = false;
        script.state_ = ThreadScript::State::kParked;
        ++script.parks_;
        return ParkTrap{};
    }
    Trap trap = script.traps_.front();
    script.traps_.pop_front();
    if (const auto* call = std::get_if<CallTrap>(&trap)) {
        script.state_ = ThreadScript::State::kInCall;
        script.calling_ = call->number;
        script.registers_.rip += 2;
    } else {
        script.state_ = ThreadScript::State::kParked;
    }
    return trap;
}

void FakeThread::reply(std::uint64_t value) {
    const std::lock_guard lock(script_->mutex_);
    script_->registers_.rax = value;
    script_->registers_.rcx = script_->registers_.rip;
    script_->registers_.r11 = script_->registers_.rflags;
    script_->state_ = ThreadScript::State::kRunning;
    script_->answers_.push_back(value);
    script_->changed_.notify_all();
}

bool FakeThread::still_waiting() const {
    const std::lock_guard lock(script_->mutex_);
    return !script_->ended_ && script_->state_ != ThreadScript::State::kRunning;
}

void FakeThread::request_park() {
    const std::lock_guard lock(script_->mutex_);
    script_->park_requested_ = true;
    script_->changed_.notify_all();
}

Result<ThreadRegisters> FakeThread::registers() const {
    const std::lock_guard lock(script_->mutex_);
    if (script_->state_ != ThreadScript::State::kParked) return fail(Errno::kEFAULT);
    return script_->registers_;
}

Result<void> FakeThread::set_registers(const ThreadRegisters& registers) {
    const std::lock_guard lock(script_->mutex_);
    if (script_->state_ != ThreadScript::State::kParked) return fail(Errno::kEFAULT);
    // A thread put in front of its `syscall` again makes the same call once more.
    if (registers.rip + 2 == script_->registers_.rip && registers.rax == script_->calling_) {
        if (!script_->answers_.empty()) script_->answers_.pop_back();
        script_->traps_.push_front(CallTrap{script_->calling_, {}, 0});
        script_->set_back_ = true;
    } else if (script_->set_back_ && registers.rip == script_->registers_.rip + 2) {
        // The supervisor makes the call itself.
        script_->traps_.pop_front();
        script_->set_back_ = false;
    }
    script_->registers_ = registers;
    return {};
}

Result<void> FakeThread::read_float(std::span<std::byte, 416> to) const {
    const std::lock_guard lock(script_->mutex_);
    std::ranges::copy(script_->floats_, to.begin());
    return {};
}

Result<void> FakeThread::write_float(std::span<const std::byte, 416> from) {
    const std::lock_guard lock(script_->mutex_);
    std::ranges::copy(from, script_->floats_.begin());
    return {};
}

Result<void> FakeThread::read_upper_halves(std::span<std::byte, 256> to) const {
    const std::lock_guard lock(script_->mutex_);
    std::ranges::copy(script_->upper_halves_, to.begin());
    return {};
}

Result<void> FakeThread::write_upper_halves(std::span<const std::byte, 256> from) {
    const std::lock_guard lock(script_->mutex_);
    std::ranges::copy(from, script_->upper_halves_.begin());
    return {};
}

void FakeThread::resume() {
    constexpr std::uint64_t kTrapFlag = 0x100;
    const std::lock_guard lock(script_->mutex_);
    script_->state_ = ThreadScript::State::kRunning;
    script_->set_back_ = false;
    const bool at_call =
        !script_->traps_.empty() && std::holds_alternative<CallTrap>(script_->traps_.front());
    if ((script_->registers_.rflags & kTrapFlag) != 0 && !at_call) {
        ++script_->registers_.rip;
        script_->traps_.push_front(ParkTrap{.cause = ParkTrap::Cause::kFault, .trap_number = 1});
    }
    script_->changed_.notify_all();
}

void FakeThread::end() {
    const std::lock_guard lock(script_->mutex_);
    script_->ended_ = true;
    script_->changed_.notify_all();
}

}  // namespace halfcell::test
