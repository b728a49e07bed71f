// Clocks and sleeping. Source: kernel:src/syscall/time.rs.

#include "abi/data.h"
#include "kernel_shim/syscall/handlers.h"

namespace halfcell::syscall {

namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;

Result<void> write_time(const mem::UserOut& to, std::uint64_t nanoseconds) {
    return to.write_exact(task::Clock::to_time_spec(nanoseconds));
}

// EINVAL for what is no length of time; saturates.
Result<std::uint64_t> duration(const abi::TimeSpec& time) {
    if (time.tv_sec < 0 || time.tv_nsec < 0) return fail(Errno::kEINVAL);
    const auto rest = static_cast<std::uint64_t>(time.tv_nsec);
    if (rest >= kNanosecondsPerSecond) return fail(Errno::kEINVAL);
    std::uint64_t whole = 0;
    if (__builtin_mul_overflow(static_cast<std::uint64_t>(time.tv_sec), kNanosecondsPerSecond, &whole))
        return UINT64_MAX;
    return whole + rest < whole ? UINT64_MAX : whole + rest;
}

}  // namespace

Result<std::uint64_t> sys_clock_gettime(Call& call) {
    const auto to = TRY(mem::UserOut::create(call.space, call.args[1], sizeof(abi::TimeSpec)));
    const std::uint64_t time = TRY(call.kernel.clock.read(call.args[0]));
    TRY(write_time(to, time));
    return 0;
}

Result<std::uint64_t> sys_nanosleep(Call& call) {
    const auto request = TRY(mem::UserIn::create(call.space, call.args[0], sizeof(abi::TimeSpec)));
    const auto rest = TRY(mem::UserOut::create(call.space, call.args[1], sizeof(abi::TimeSpec)));
    const abi::TimeSpec wanted = TRY(request.read_exact<abi::TimeSpec>());
    const std::uint64_t length = TRY(duration(wanted));
    wait::Waiter& waiter = call.caller.waiter;
    // A sleep that a tracer broke, made again, ends when it would have ended.
    const auto kept = call.context.take_halted_sleep();
    const wait::Deadline deadline = kept ? kept : task::Clock::after(length);
    if (waiter.interruption_pending()) {
        if (waiter.halted()) call.context.keep_halted_sleep(deadline);
        return fail(Errno::kEINTR);
    }

    const std::uint64_t start = call.kernel.clock.monotonic();
    waiter.prepare({.reason = "nanosleep", .timed = true});
    waiter.end_if_signalled();
    const wait::Wake how = waiter.sleep(deadline);
    if (how == wait::Wake::kHalted) {
        call.context.keep_halted_sleep(deadline);
        return fail(Errno::kEINTR);
    }
    if (rest.address() != 0) {
        const std::uint64_t slept = call.kernel.clock.monotonic() - start;
        TRY(write_time(rest, slept < length ? length - slept : 0));
    }
    if (how != wait::Wake::kTimedOut) return fail(Errno::kEINTR);
    return 0;
}

}  // namespace halfcell::syscall
