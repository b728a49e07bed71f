#include "kernel_shim/base/after_locks.h"

#include <utility>
#include <vector>

#include "kernel_shim/base/guarded.h"

namespace halfcell {

namespace {

struct Action {
    void (*run)(void*);
    void* argument;
};

thread_local std::vector<Action> waiting_actions;

}  // namespace

void detail::run_waiting_actions() {
    detail::actions_wait = false;
    // An action may take locks, and leave actions of its own behind; those run when it releases them.
    std::vector<Action> actions;
    actions.swap(waiting_actions);
    for (const Action& action : actions)
        action.run(action.argument);
    // The memory is kept for the next.
    if (waiting_actions.empty()) {
        actions.clear();
        actions.swap(waiting_actions);
    }
}

void after_locks(void (*action)(void*), void* argument) {
    if (detail::held_lock_levels == 0) return action(argument);
    waiting_actions.push_back({action, argument});
    detail::actions_wait = true;
}

}  // namespace halfcell
