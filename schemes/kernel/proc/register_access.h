#pragma once

// How the register handles reach a thread that may be running.

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

#include "schemes/kernel/proc/handle.h"

namespace halfcell::schemes::proc {

// Whether the registers of a context are those the supervisor has stored, because no thread has them.
[[nodiscard]] bool registers_stored(const task::Context& context);

// Reads a register set of `context`, a launched one, through `take`, which fills in the bytes from a parked
// thread. For the calling context itself `now` is written first, and the real bytes when the call is over.
// Returns bytes; EFAULT; EBUSY where the target sleeps in a call; ESRCH where it ended; EINTR.
template <typename Set>
Result<std::uint64_t> read_parked(const scheme::Caller& caller, task::Context& context,
                                  const mem::UserOut& to, const Set& now,
                                  Result<Set> (*take)(const task::ParkedThread&)) {
    if (context.id() == caller.context) {
        const std::uint64_t count = TRY(to.write_common(std::as_bytes(std::span(&now, 1))));
        // A buffer in the supervisor may be gone by then; guest memory stays with its address space.
        const auto space = context.address_space();
        if (to.space() == nullptr || to.space() != space.get()) return count;
        context.run_at_next_park([space, to, take](const task::ParkedThread& parked) {
            const Result<Set> set = take(parked);
            if (set) (void)to.write_common(std::as_bytes(std::span(&*set, 1)));
        });
        return count;
    }
    const auto taken = std::make_shared<Result<Set>>(Set{});
    TRY(context.inspect(caller.waiter,
                        [taken, take](const task::ParkedThread& parked) { *taken = take(parked); }));
    const Set set = TRY(Result<Set>(*taken));
    return to.write_common(std::as_bytes(std::span(&set, 1)));
}

// Has `change` done to the thread of a launched context: after the call where it is the caller's own or the
// target sleeps in a call, else before this returns. EINTR; ESRCH where it ended.
Result<void> change_parked(const scheme::Caller& caller, task::Context& context, task::ParkJob change);

}  // namespace halfcell::schemes::proc
