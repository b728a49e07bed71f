// Numbers of descriptors, threads and handles that somebody else has had before, or has while a call is in
// flight. Guests only.

#include <array>

#include "abi/data.h"
#include "abi/flags.h"
#include "abi/number.h"
#include "tests/security/guest/world.h"

namespace halfcell::attack {

namespace {

constexpr Word kPipeSize = 65536;
constexpr Word kFutexWait = abi::FutexOp::kWait, kFutexWake = abi::FutexOp::kWake;

struct Pipe {
    Word reader = open_path("/scheme/pipe");
    Word writer = call(abi::SYS_DUP, reader, word("write"), 5);
};

// What a thread has come to.
struct Flag {
    void raise() {
        __atomic_store_n(&word_, 1U, __ATOMIC_RELEASE);
        call(abi::SYS_FUTEX, word(&word_), kFutexWake, 1, 0, 0);
    }
    [[nodiscard]] bool raised() const { return __atomic_load_n(&word_, __ATOMIC_ACQUIRE) != 0; }
    void await() const {
        while (!raised())
            call(abi::SYS_FUTEX, word(&word_), kFutexWait, 0, 0, 0);
    }
    void lower() { __atomic_store_n(&word_, 0U, __ATOMIC_RELEASE); }

  private:
    std::uint32_t word_ = 0;
};

// Without waiting; 0 where nothing is there.
char byte_in(Word file) {
    call(abi::SYS_FCNTL, file, 4 /* F_SETFL */, abi::OpenFlags::kNonblock);
    char byte = 0;
    return is_error(read_file(file, &byte, 1)) ? '\0' : byte;
}

void put(Word file, char byte) {
    write_file(file, &byte, 1);
}

// Whoever runs the attack looks whether our threads wait, and says so.
void await_word() {
    say("waiting\n");
    char byte = 0;
    read_file(0, &byte, 1);
}

// The lowest free number becomes another description: `number` has to be it.
bool take_number(Word number, Word description) {
    close_file(number);
    return call(abi::SYS_DUP, description, 0, 0) == number;
}

struct Calling {
    Word number = 0;
    Word size = 1;
    bool writing = false;
    Word result = 0;
    std::array<char, 24> bytes{};
    Flag finished;
};
constinit Calling calling;

void make_call(void*) {
    calling.result = calling.writing ? write_file(calling.number, calling.bytes.data(), calling.size)
                                     : read_file(calling.number, calling.bytes.data(), calling.size);
    calling.finished.raise();
}

// Starts the call before its number becomes another's, or, as the control, afterwards.
bool exchange(Word number, Word other) {
    calling.number = number;
    const bool before = text_argument(0)[0] == 0;
    if (before) {
        if (is_error(start_thread(make_call, nullptr))) return false;
        await_word();
    }
    if (!take_number(number, other)) return false;
    return before || !is_error(start_thread(make_call, nullptr));
}

int renumber_read() {
    const Pipe first, second;
    if (!exchange(first.reader, second.reader)) return 1;
    put(second.writer, 'Q');
    put(first.writer, 'P');
    calling.finished.await();
    if (calling.bytes[0] == 'Q') say_effect("read what is behind the number now");
    return is_error(calling.result) ? 2 : 0;
}

int renumber_write() {
    const Pipe first, second;
    const Word content = map_memory(0, kPipeSize, false);
    if (is_error(content) ||
        write_file(first.writer, reinterpret_cast<const void*>(content), kPipeSize) != kPipeSize)
        return 1;
    calling.writing = true;
    calling.bytes[0] = 'T';
    if (!exchange(first.writer, second.writer)) return 2;
    read_file(first.reader, reinterpret_cast<void*>(content), kPipeSize);
    calling.finished.await();
    if (byte_in(second.reader) == 'T')
        say_effect("written to what is behind the number now");
    else if (byte_in(first.reader) != 'T')
        return 3;
    return is_error(calling.result) ? 4 : 0;
}

// A read of an event queue, whose number becomes another queue's.
int renumber_events() {
    const Word first = open_path("/scheme/event", true), second = open_path("/scheme/event", true);
    const Pipe of_first, of_second;
    const abi::Event wanted{.id = of_second.reader, .flags = abi::EventFlags::kEventRead, .data = 'Q'};
    const abi::Event other{.id = of_first.reader, .flags = abi::EventFlags::kEventRead, .data = 'P'};
    calling.size = sizeof(abi::Event);
    if (is_error(write_file(first, &other, sizeof other)) ||
        is_error(write_file(second, &wanted, sizeof wanted)))
        return 1;
    if (!exchange(first, second)) return 2;
    put(of_second.writer, 'x');
    put(of_first.writer, 'x');
    calling.finished.await();
    if (reinterpret_cast<const abi::Event*>(calling.bytes.data())->data == 'Q')
        say_effect("events of the queue behind the number now");
    return is_error(calling.result) ? 3 : 0;
}

// ROUNDS [watched]: a queue watches a pipe, which goes; the next one gets its number.
int renumber_watched() {
    const bool watched = text_argument(1)[0] != 0;
    const Word queue = open_path("/scheme/event", true);
    call(abi::SYS_FCNTL, queue, 4 /* F_SETFL */, abi::OpenFlags::kNonblock);
    for (Word round = number_argument(0); round > 0; --round) {
        const Pipe first;
        const abi::Event wanted{.id = first.reader, .flags = abi::EventFlags::kEventRead, .data = round};
        if (is_error(write_file(queue, &wanted, sizeof wanted))) return 1;
        close_file(first.writer);
        close_file(first.reader);
        abi::Event event{};
        // The end of the first one may be told.
        while (!is_error(read_file(queue, &event, sizeof event))) {
        }
        const Pipe second;
        if (second.reader != first.reader) return 2;
        if (watched) write_file(queue, &wanted, sizeof wanted);
        put(second.writer, 'x');
        if (!is_error(read_file(queue, &event, sizeof event))) {
            say_effect("events of what is behind the number now");
            break;
        }
        close_file(second.writer);
        close_file(second.reader);
    }
    return 0;
}

// ---- threads

struct Seat {
    Pipe pipe;
    Word own = 0;  // a descriptor whose offsets nobody else sets
    Word wrong = 0;
    Flag begun, finished;
    volatile bool stop = false;
};
constinit Seat* seat = nullptr;

void read_for_ever(void*) {
    seat->begun.raise();
    char byte = 0;
    read_file(seat->pipe.reader, &byte, 1);
    seat->finished.raise();
}

// Calls whose results tell whose they are.
void seek_own(void*) {
    constexpr Word kCalls = 40;
    seat->begun.raise();
    for (Word i = 0; i < kCalls || seat->stop; ++i) {
        const Word offset = 1'000'000 + i;
        if (call(abi::SYS_LSEEK, seat->own, offset, abi::SeekWhence::kSet) != offset) ++seat->wrong;
    }
    seat->finished.raise();
}

void kill_thread(Word thread) {
    const Word status = call(abi::SYS_DUP, thread, word("status"), 6);
    const auto verb = static_cast<Word>(abi::ContextVerb::kForceKill);
    write_file(status, &verb, sizeof verb);
    close_file(status);
}

// Everything that a handle of a thread may do to it.
void meddle(Word thread) {
    kill_thread(thread);
    std::array<Word, 32> registers{};
    for (const std::string_view name : {"regs/int", "regs/env", "start", "sighandler"}) {
        const Word handle = call(abi::SYS_DUP, thread, word(name.data()), name.size());
        if (is_error(handle)) continue;
        write_file(handle, registers.data(), name == "regs/int" ? 15 * 8 : 16);
        close_file(handle);
    }
}

// ROUNDS [own]: kills a thread whose call is in flight; the next thread, which may have its places, must get
// none of its answers, and feel nothing of what is done to the dead one's handle. The control uses the handle
// of its own.
int replace_thread() {
    const bool own = text_argument(1)[0] != 0;
    static Seat the_seat;
    seat = &the_seat;
    seat->own = call(abi::SYS_DUP, world().thread, word("addrspace"), 9);
    Word taken = 0;
    for (Word round = number_argument(0); round > 0; --round) {
        seat->begun.lower();
        seat->finished.lower();
        const Word dead = start_thread(read_for_ever, nullptr);
        if (is_error(dead)) return 1;
        seat->begun.await();
        // Sometimes before its call, mostly in it.
        for (Word i = 0; i < round % 8; ++i)
            call(abi::SYS_YIELD);
        kill_thread(dead);
        seat->begun.lower();
        seat->stop = own;
        const Word next = start_thread(seek_own, nullptr);
        if (is_error(next)) return 2;
        put(seat->pipe.writer, 'x');
        meddle(own ? next : dead);
        if (own) {
            const Word status = call(abi::SYS_DUP, next, word("status"), 6);
            auto state = abi::ContextStatus::kRunnable;
            while (state != abi::ContextStatus::kDead && state != abi::ContextStatus::kForceKilled)
                if (is_error(read_file(status, &state, sizeof state))) return 3;
            say_effect("killed");
            return 0;
        }
        seat->finished.await();
        // Killed before it was written, the dead one must not have it.
        if (byte_in(seat->pipe.reader) == 0) ++taken;
        call(abi::SYS_FCNTL, seat->pipe.reader, 4 /* F_SETFL */, 0);
        kill_thread(next);
        close_file(next);
        close_file(dead);
    }
    say_result("wrong", seat->wrong);
    say_result("taken by the dead", taken);
    if (seat->wrong != 0) say_effect("answers of somebody else");
    return 0;
}

constexpr Attack kAttacks[] = {
    {"renumber-read", renumber_read},     {"renumber-write", renumber_write},
    {"renumber-events", renumber_events}, {"renumber-watched", renumber_watched},
    {"replace-thread", replace_thread},
};

}  // namespace

std::span<const Attack> id_attacks() {
    return kAttacks;
}

}  // namespace halfcell::attack
