#include "kernel_shim/base/after_locks.h"

#include <doctest/doctest.h>

#include <mutex>

#include "kernel_shim/base/guarded.h"

namespace halfcell {

namespace {

void count(void* counter) {
    ++*static_cast<int*>(counter);
}

}  // namespace

TEST_CASE("without a lock the action runs at once") {
    int runs = 0;
    after_locks(count, &runs);
    CHECK(runs == 1);
}

TEST_CASE("under locks it runs once, after the outermost is released") {
    LevelMutex<LockLevel::kScheme> outer;
    LevelMutex<LockLevel::kObject> inner;
    int runs = 0;
    int other_runs = 0;
    {
        const std::lock_guard lock(outer);
        {
            const std::lock_guard nested(inner);
            after_locks(count, &runs);
            after_locks(count, &other_runs);
        }
        CHECK(runs == 0);
    }
    CHECK(runs == 1);
    CHECK(other_runs == 1);
    { const std::lock_guard again(outer); }
    CHECK(runs == 1);
}

}  // namespace halfcell
