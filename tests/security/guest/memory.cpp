// Attacks on memory that is not the guest's: the stub's pages, addresses outside its range, more than it may
// have.

#include <cstring>

#include "abi/data.h"
#include "abi/number.h"
#include "tests/security/guest/world.h"

namespace halfcell::attack {

namespace {

// Makes the page of `address` exist where no stub has put it: the control shows that the act would succeed.
bool prepare_page(Word address) {
    return world().guest || !is_error(map_memory(address & ~Word{4095}, 4096, false));
}

// ADDRESS: stores a word there.
int store() {
    const Word address = number_argument(0);
    if (!prepare_page(address)) return 1;
    say("storing\n");
    *reinterpret_cast<volatile Word*>(address) = 0x4141'4141;
    if (*reinterpret_cast<volatile Word*>(address) == 0x4141'4141) say_effect("stored");
    return 0;
}

// ADDRESS: lets calls store there on the guest's behalf.
int store_by_calls() {
    const Word address = number_argument(0);
    if (!prepare_page(address)) return 1;
    std::uint8_t before[512];
    std::memcpy(before, reinterpret_cast<const void*>(address), sizeof before);
    const Word file = open_path(world().guest ? "/scheme/rand" : "/dev/urandom");
    if (is_error(file)) return 2;
    say_result("read", read_file(file, reinterpret_cast<void*>(address), sizeof before));
    if (world().guest) {
        say_result("clock_gettime", call(abi::SYS_CLOCK_GETTIME, 4, address));
        say_result("fstat", call(abi::SYS_FSTAT, 1, address, sizeof(abi::Stat)));
        say_result("fpath", call(abi::SYS_FPATH, 1, address, 64));
    }
    if (std::memcmp(before, reinterpret_cast<const void*>(address), sizeof before) != 0)
        say_effect("stored by a call");
    return 0;
}

// ADDRESS SIZE: maps over it, moves a page onto it, takes its protection away, unmaps it. Guests only.
int replace_mapping() {
    const Word address = number_argument(0);
    const Word size = number_argument(1);
    using Flags = abi::MapFlags;
    constexpr Word kReadWrite = Flags::kProtRead | Flags::kProtWrite;
    for (const Word extra : {Word{Flags::kMapFixed}, Word{Flags::kMapFixedNoreplace}}) {
        const abi::Map map{
            .offset = 0, .size = size, .flags = kReadWrite | Flags::kMapPrivate | extra, .address = address};
        const Word result = call(abi::SYS_FMAP, ~Word{0}, word(&map), sizeof map);
        say_result("fmap", result);
        if (result == address) say_effect("mapped there");
    }
    const Word pages = map_memory(0, size, false);
    constexpr Word kFixed = 1;  // MremapFlags::FIXED
    const Word moved = call(abi::SYS_MREMAP, pages, size, address, size, kFixed | kReadWrite);
    say_result("mremap", moved);
    if (moved == address) say_effect("moved there");
    // Over what no grant covers these two may succeed, since they have nothing to do. The stub must stay as
    // it is: the engine goes on to park this thread and to start others by it.
    say_result("mprotect", call(abi::SYS_MPROTECT, address, size, 0));
    say_result("funmap", call(abi::SYS_FUNMAP, address, size));
    const Word environment = call(abi::SYS_DUP, world().thread, word("regs/env"), 8);
    const Word bases[2] = {0x1000, 0x2000};
    call(abi::SYS_WRITE, environment, word(bases), sizeof bases);
    Word base;
    __asm__ volatile("rdfsbase %0" : "=r"(base));
    if (base == bases[0]) say("the stub works\n");
    return 0;
}

// TOTAL CHUNK: maps and touches chunks until TOTAL bytes are reached or refused.
int hoard() {
    const Word total = number_argument(0);
    const Word chunk = number_argument(1);
    Word held = 0;
    Word refusal = 0;
    while (held < total) {
        const Word memory = map_memory(0, chunk, false);
        if (is_error(memory)) {
            refusal = memory;
            break;
        }
        for (Word at = 0; at < chunk; at += 4096)
            *reinterpret_cast<volatile Word*>(memory + at) = at + 1;
        held += chunk;
    }
    say_result("held", held);
    if (refusal != 0) say_result("then", refusal);
    if (held >= total) say_effect("all of it");
    return 0;
}

// Sizes no machine has, and sizes that wrap.
int map_absurd() {
    for (const Word size : {Word{1} << 46, Word{1} << 47, (Word{1} << 47) - 4096, Word{1} << 62,
                            Word{1} << 63, ~Word{0}, ~Word{4095}, Word{1}, Word{0}, Word{4095}}) {
        say_hex(size);
        say_result("", map_memory(0, size, false));
        say_hex(size);
        say_result(" at 0x10000000", map_memory(0x1000'0000, size, false));
        call(abi::SYS_FUNMAP, 0x1000'0000, size);
    }
    const Word small = map_memory(0, 4096, false);
    if (!is_error(small)) say("and one page\n");
    return is_error(small) ? 1 : 0;
}

// PATH: maps the file shared, shortens it, and gives the pages that are gone to calls. Guests only.
int lose_pages() {
    const Word file = open_path(text_argument(0), true);
    const abi::Map map{
        .offset = 0,
        .size = 16384,
        .flags = abi::MapFlags::kProtRead | abi::MapFlags::kProtWrite | abi::MapFlags::kMapShared,
        .address = 0};
    const Word memory = call(abi::SYS_FMAP, file, word(&map), sizeof map);
    say_result("fmap", memory);
    if (is_error(memory)) return 0;
    *reinterpret_cast<volatile Word*>(memory + 8192) = 1;
    say_result("ftruncate", call(abi::SYS_FTRUNCATE, file, 1));
    say_result("read", read_file(open_path("/scheme/zero"), reinterpret_cast<void*>(memory + 8192), 4096));
    say_result("write",
               write_file(open_path("/scheme/null", true), reinterpret_cast<void*>(memory + 8192), 4096));
    say_result("pipe",
               write_file(open_path("/scheme/pipe", true), reinterpret_cast<void*>(memory + 8192), 4096));
    say_result("clock", call(abi::SYS_CLOCK_GETTIME, 4, memory + 8192));
    say_result("openat", call(abi::SYS_OPENAT, world().name_space, memory + 8192, 100, 0x10000, 0));
    say_result("futex", call(abi::SYS_FUTEX, memory + 8192, 1, 1, 0, 0));
    say_result("futex wait", call(abi::SYS_FUTEX, memory + 8192, 0, 1, 0, 0));
    say("the calls came back\n");
    *reinterpret_cast<volatile Word*>(memory + 8192) = 1;
    return 0;
}

constexpr Attack kAttacks[] = {
    {"store", store},
    {"store-by-calls", store_by_calls},
    {"replace-mapping", replace_mapping},
    {"lose-pages", lose_pages},
    {"hoard", hoard},
    {"map-absurd", map_absurd},
};

}  // namespace

std::span<const Attack> memory_attacks() {
    return kAttacks;
}

}  // namespace halfcell::attack
