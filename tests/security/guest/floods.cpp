// More than the supervisor could bear, of things that are its own: what waits in pipes and sockets, and what
// many threads ask for at once. Guests only.

#include "abi/flags.h"
#include "abi/number.h"
#include "tests/security/guest/world.h"

namespace halfcell::attack {

namespace {

constexpr Word kPipeSize = 65536;
constexpr Word kSocketSize = Word{1} << 20;
constexpr Word kFutexWait = abi::FutexOp::kWait, kFutexWake = abi::FutexOp::kWake;

void say_flood(Word held, Word refusal, Word wanted) {
    say_result("held", held);
    if (is_error(refusal)) say_result("then", refusal);
    if (held >= wanted) say_effect("all of it");
}

Word zeros(Word size) {
    return map_memory(0, size, false);
}

// TOTAL: lets bytes wait in one pipe after the other.
int flood_pipes() {
    const Word total = number_argument(0), content = zeros(kPipeSize);
    if (is_error(content)) return 1;
    Word held = 0, result = 0;
    while (held < total) {
        const Word reader = open_path("/scheme/pipe");
        if (is_error(reader)) return 2;
        const Word writer = call(abi::SYS_DUP, reader, word("write"), 5);
        result =
            is_error(writer) ? writer : write_file(writer, reinterpret_cast<const void*>(content), kPipeSize);
        if (is_error(result)) break;
        held += result;
    }
    say_flood(held, result, total);
    return 0;
}

// TOTAL: the same with connections nobody reads from.
int flood_sockets() {
    const Word total = number_argument(0), content = zeros(kSocketSize);
    constexpr std::string_view kName = "/scheme/chan";
    const Word listener = call(abi::SYS_OPENAT, world().name_space, word(kName.data()), kName.size(),
                               abi::OpenFlags::kRdwr | abi::OpenFlags::kCreat, 0);
    if (is_error(content) || is_error(listener)) return 1;
    Word held = 0, result = 0;
    while (held < total) {
        const Word client = call(abi::SYS_DUP, listener, word("connect"), 7);
        if (is_error(client) || is_error(call(abi::SYS_DUP, listener, word("listen"), 6))) return 2;
        result = write_file(client, reinterpret_cast<const void*>(content), kSocketSize);
        if (is_error(result)) break;
        held += result;
    }
    say_flood(held, result, total);
    return 0;
}

// COUNT: pipes within pipes, each held by nothing but the next one.
int flood_nested() {
    const Word total = number_argument(0);
    Word inner = open_path("/scheme/pipe");
    Word held = 0, result = 0;
    while (held < total && !is_error(inner)) {
        const Word reader = open_path("/scheme/pipe");
        const Word writer = call(abi::SYS_DUP, reader, word("write"), 5);
        if (is_error(writer)) return 2;
        constexpr Word kGive = abi::CallFlags::kFd | abi::CallFlags::kWrite;
        result = call(abi::SYS_CALL, writer, word(&inner), sizeof inner, kGive, 0);
        if (is_error(result)) break;
        close_file(writer);
        inner = reader;
        ++held;
    }
    say_flood(held, result, total);
    return 0;
}

constinit std::uint32_t finished = 0;
constinit Word opened = 0;

void open_all(void*) {
    Word count = 0;
    while (!is_error(call(abi::SYS_DUP, 1, 0, 0)))
        ++count;
    __atomic_fetch_add(&opened, count, __ATOMIC_RELAXED);
    __atomic_fetch_add(&finished, 1U, __ATOMIC_RELEASE);
    call(abi::SYS_FUTEX, word(&finished), kFutexWake, 1, 0, 0);
}

// THREADS: they fill the table of descriptors together.
int flood_together() {
    const auto threads = static_cast<std::uint32_t>(number_argument(0));
    for (std::uint32_t i = 0; i < threads; ++i)
        if (is_error(start_thread(open_all, nullptr))) return 1;
    for (;;) {
        const std::uint32_t seen = __atomic_load_n(&finished, __ATOMIC_ACQUIRE);
        if (seen == threads) break;
        call(abi::SYS_FUTEX, word(&finished), kFutexWait, seen, 0, 0);
    }
    say_result("held", opened);
    say_result("then", call(abi::SYS_DUP, 1, 0, 0));
    return 0;
}

constexpr Attack kAttacks[] = {
    {"flood-pipes", flood_pipes},
    {"flood-sockets", flood_sockets},
    {"flood-nested", flood_nested},
    {"flood-together", flood_together},
};

}  // namespace

std::span<const Attack> flood_attacks() {
    return kAttacks;
}

}  // namespace halfcell::attack
