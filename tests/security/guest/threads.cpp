// Attacks by many threads, and by threads on each other. Guests only.

#include "abi/number.h"
#include "kernel_shim/agent/protocol.h"
#include "tests/security/guest/world.h"

namespace halfcell::attack {

namespace {

void wait_for_ever(void*) {
    // Seconds no clock will reach.
    const Word request[2] = {(Word{1} << 62), 0};
    for (;;)
        call(abi::SYS_NANOSLEEP, word(request), 0);
}

// MOST: starts threads until one is refused or there are MOST.
int bomb() {
    Word count = 0;
    const Word most = number_argument(0);
    while (count < most) {
        const Word thread = start_thread(wait_for_ever, nullptr);
        if (is_error(thread)) {
            say_result("started", count);
            say_result("then", thread);
            return 0;
        }
        ++count;
    }
    say_result("started", count);
    say_effect("all of them");
    return 0;
}

// A thread that spins with all signals blocked cannot keep its process alive: see frame-masked.
void spin(void*) {
    for (;;)
        __asm__ volatile("pause");
}

// COUNT: that many threads spin, then the first one ends the process.
int leave_spinning() {
    for (Word count = number_argument(0); count > 0; --count)
        if (is_error(start_thread(spin, nullptr))) return 1;
    return 9;
}

constinit volatile bool stop = false;

// Writes noise over the areas in which the threads' frames are kept, the words a frame is checked by first.
void scribble(void*) {
    Word noise = 88172645463325252ULL;
    while (!stop) {
        for (Word area = 0; area < 4; ++area) {
            const Word base = HC_THREAD_AREAS + area * HC_THREAD_AREA_STRIDE;
            for (Word at = HC_THREAD_AREA_SIZE - 8; at > 0x1000; at -= 8) {
                noise ^= noise << 13;
                noise ^= noise >> 7;
                noise ^= noise << 17;
                if (noise % 16 == 0) *reinterpret_cast<volatile Word*>(base + at) = noise;
            }
        }
    }
}

// ROUNDS [scribble]: a thread that is parked ROUNDS times, whose frames another one overwrites meanwhile.
int scribble_frames() {
    if (text_argument(1)[0] != 0 && is_error(start_thread(scribble, nullptr))) return 1;
    for (Word round = number_argument(0); round > 0; --round) {
        const Word handle = call(abi::SYS_DUP, world().thread, word("regs/env"), 8);
        if (is_error(handle)) return 2;
        const Word bases[2] = {round << 12, round << 13};
        if (is_error(call(abi::SYS_WRITE, handle, word(bases), sizeof bases))) return 3;
        close_file(handle);
        Word base;
        __asm__ volatile("rdfsbase %0" : "=r"(base));
        if (base != bases[0]) return 4;
    }
    stop = true;
    say_effect("every park came back");
    return 0;
}

constexpr Attack kAttacks[] = {
    {"bomb", bomb},
    {"leave-spinning", leave_spinning},
    {"scribble-frames", scribble_frames},
};

}  // namespace

std::span<const Attack> thread_attacks() {
    return kAttacks;
}

}  // namespace halfcell::attack
