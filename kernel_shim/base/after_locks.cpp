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
    for (const Action& action : waiting_actions)
        action.run(action.argument);
    waiting_actions.clear();
}

void after_locks(void (*action)(void*), void* argument) {
    if (detail::held_lock_levels == 0) return action(argument);
    waiting_actions.push_back({action, argument});
    detail::actions_wait = true;
}

}  // namespace halfcell
