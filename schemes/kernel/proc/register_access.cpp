#include "schemes/kernel/proc/register_access.h"

namespace halfcell::schemes::proc {

bool registers_stored(const task::Context& context) {
    return !context.launched() || context.state() == task::RunState::kDead;
}

Result<void> change_parked(const scheme::Caller& caller, task::Context& context, task::ParkJob change) {
    if (context.id() != caller.context) {
        const Result<void> done = context.inspect(caller.waiter, change);
        if (done || done.error() != Errno::kEBUSY) return done;
    }
    context.run_at_next_park(std::move(change));
    return {};
}

}  // namespace halfcell::schemes::proc
