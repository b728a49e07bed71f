#include "userland/rt/sync.h"

#include "userland/rt/syscall.h"

namespace halfcell::userland {

void Mutex::lock() {
    std::uint32_t seen = 0;
    if (__atomic_compare_exchange_n(&state_, &seen, 1U, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
    while (__atomic_exchange_n(&state_, 2U, __ATOMIC_ACQUIRE) != 0)
        futex_wait(&state_, 2);
}

void Mutex::unlock() {
    if (__atomic_exchange_n(&state_, 0U, __ATOMIC_RELEASE) == 2) futex_wake(&state_, 1);
}

}  // namespace halfcell::userland
