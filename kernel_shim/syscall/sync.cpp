// Waiting for one another. Source: kernel:src/syscall/futex.rs, kernel:src/syscall/time.rs sched_yield.

#include "abi/data.h"
#include "kernel_shim/syscall/handlers.h"

namespace halfcell::syscall {

namespace {

// Absolute and monotonic; a null pointer waits for ever. EFAULT also where upstream would hang: it reads the
// time with the address space locked, and so never sees the page arrive.
Result<wait::Deadline> read_deadline(Call& call, std::uint64_t address) {
    const auto bytes = TRY(mem::UserIn::create(call.space, address, sizeof(abi::TimeSpec)));
    if (address == 0) return wait::Deadline{};
    const abi::TimeSpec time = TRY(bytes.read_exact<abi::TimeSpec>());
    return call.kernel.clock.deadline(abi::Clock::kMonotonic, time);
}

}  // namespace

Result<std::uint64_t> sys_futex(Call& call) {
    using abi::FutexOp;
    const std::uint64_t address = call.args[0];
    // The address is looked at before the operation.
    if (!mem::valid_user_range(address, sizeof(std::uint64_t))) return fail(Errno::kEFAULT);
    TRY(call.space.frame_of(address));
    switch (call.args[1]) {
        case FutexOp::kWait: {
            const wait::Deadline deadline = TRY(read_deadline(call, call.args[3]));
            const auto expected = static_cast<std::uint32_t>(call.args[2]);
            return call.kernel.futexes.wait(call.space, address, expected, sizeof expected,
                                            call.caller.waiter, deadline);
        }
        case FutexOp::kWait64: {
            const wait::Deadline deadline = TRY(read_deadline(call, call.args[3]));
            return call.kernel.futexes.wait(call.space, address, call.args[2], sizeof call.args[2],
                                            call.caller.waiter, deadline);
        }
        case FutexOp::kWake:
            return call.kernel.futexes.wake(call.space, address, call.args[2]);
        default:
            return fail(Errno::kEINVAL);
    }
}

Result<std::uint64_t> sys_yield(Call& call) {
    // Between trap and reply the host's scheduler has already had its turn.
    if (call.context.signal_pending()) [[unlikely]]
        call.context.signal_raised();
    return 0;
}

Result<std::uint64_t> sys_mkns(Call&) {
    // Namespaces are made by the namespace manager; the kernel has no such call but in its list of numbers.
    return fail(Errno::kENOSYS);
}

}  // namespace halfcell::syscall
