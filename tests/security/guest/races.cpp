// What a call is told changes while it reads it: pointers, numbers and names that another thread turns.
// Guests only.

#include <array>
#include <cstring>

#include "abi/data.h"
#include "abi/flags.h"
#include "abi/number.h"
#include "tests/security/guest/world.h"

namespace halfcell::attack {

namespace {

constexpr Word kPage = 4096;
constexpr int kEfault = 14;

// Two values of one place in memory, which a thread turns from one into the other to the end of the program.
struct Turning {
    volatile Word* place = nullptr;
    Word count = 0;
    std::array<const Word*, 2> values{};
};

void turn(void* argument) {
    const Turning& turning = *static_cast<const Turning*>(argument);
    for (;;)
        for (const Word* value : turning.values)
            for (Word at = 0; at < turning.count; ++at)
                turning.place[at] = value[at];
}

constinit Turning the_turning;

// ROUNDS GOOD BAD: opens a name that turns from GOOD to BAD and back. Both have the same length.
int race_path() {
    constexpr Word kWords = 32;
    static Word texts[3][kWords];
    const std::string_view good = text_argument(1), bad = text_argument(2);
    std::memcpy(texts[0], good.data(), good.size());
    std::memcpy(texts[1], bad.data(), bad.size());
    std::memcpy(texts[2], good.data(), good.size());
    the_turning = {texts[2], (good.size() + 7) / 8, {texts[0], texts[1]}};
    if (is_error(start_thread(turn, &the_turning))) return 1;
    Word opened = 0, refused = 0;
    for (Word round = number_argument(0); round > 0; --round) {
        const Word file = call(abi::SYS_OPENAT, world().name_space, word(texts[2]), good.size(),
                               abi::OpenFlags::kRdonly, 0);
        if (is_error(file)) {
            ++refused;
            continue;
        }
        ++opened;
        char content[6] = {};
        read_file(file, content, sizeof content);
        close_file(file);
        if (std::string_view(content, sizeof content) == "SECRET") {
            say_effect("read what is not bound");
            break;
        }
    }
    say_result("opened", opened);
    say_result("refused", refused);
    return 0;
}

// ROUNDS ADDRESS: maps a page at a place that turns from a free one to ADDRESS and back.
int race_map() {
    const Word address = number_argument(1);
    const Word free = map_memory(0, kPage, false);
    if (is_error(free)) return 1;
    using Flags = abi::MapFlags;
    static abi::Map map{};
    map = {.offset = 0,
           .size = kPage,
           .flags = Flags::kProtRead | Flags::kProtWrite | Flags::kMapPrivate | Flags::kMapFixed,
           .address = free};
    the_turning = {reinterpret_cast<volatile Word*>(&map.address), 1, {&free, &address}};
    if (is_error(start_thread(turn, &the_turning))) return 2;
    Word there = 0, elsewhere = 0, refused = 0;
    for (Word round = number_argument(0); round > 0; --round) {
        const Word result = call(abi::SYS_FMAP, ~Word{0}, word(&map), sizeof map);
        there += result == address ? 1 : 0;
        elsewhere += result == free ? 1 : 0;
        refused += is_error(result) ? 1 : 0;
    }
    say_result("mapped elsewhere", elsewhere);
    say_result("refused", refused);
    if (there != 0) say_effect("mapped there");
    return 0;
}

struct Page {
    Word address = 0;
    Word protections[2] = {};
    volatile bool stop = false;
    volatile bool stopped = false;
};
constinit Page the_page;

void protect(void* argument) {
    Page& page = *static_cast<Page*>(argument);
    while (!page.stop)
        for (const Word protection : page.protections)
            call(abi::SYS_MPROTECT, page.address, kPage, protection);
    page.stopped = true;
}

// ROUNDS [writable]: lets calls store to a page that another thread makes accessible and not, but never
// writable, unless that is asked for.
int race_protection() {
    using Flags = abi::MapFlags;
    const bool writable = text_argument(1)[0] != 0;
    the_page.address = map_memory(0, kPage, false);
    if (is_error(the_page.address)) return 1;
    the_page.protections[0] = Flags::kProtRead;
    the_page.protections[1] = writable ? Flags::kProtRead | Flags::kProtWrite : 0;
    call(abi::SYS_MPROTECT, the_page.address, kPage, the_page.protections[0]);
    const Word random = open_path("/scheme/rand");
    if (is_error(random) || is_error(start_thread(protect, &the_page))) return 2;
    Word stored = 0;
    for (Word round = number_argument(0); round > 0; --round) {
        stored += is_error(read_file(random, reinterpret_cast<void*>(the_page.address), 64)) ? 0 : 1;
        call(abi::SYS_CLOCK_GETTIME, 4, the_page.address + 64);
        call(abi::SYS_FSTAT, 1, the_page.address + 128, sizeof(abi::Stat));
    }
    the_page.stop = true;
    while (!the_page.stopped)
        call(abi::SYS_YIELD);
    if (is_error(call(abi::SYS_MPROTECT, the_page.address, kPage, Flags::kProtRead))) return 3;
    say_result("stored", stored);
    const auto* const content = reinterpret_cast<const volatile Word*>(the_page.address);
    for (Word at = 0; at < kPage / sizeof(Word); ++at)
        if (content[at] != 0) {
            say_effect("stored by a call");
            break;
        }
    return 0;
}

// The page at *argument, to the end of the program.
void come_and_go(void* argument) {
    const Word address = *static_cast<const Word*>(argument);
    for (;;) {
        call(abi::SYS_FUNMAP, address, kPage);
        map_memory(address, kPage, false);
    }
}

// ROUNDS: calls on a page that comes and goes; each must come back, with its result or EFAULT.
int race_mapping() {
    static Word address;
    address = map_memory(0, kPage, false);
    const Word random = open_path("/scheme/rand"), null = open_path("/scheme/null", true);
    if (is_error(random) || is_error(null) || is_error(start_thread(come_and_go, &address))) return 1;
    Word done = 0, faults = 0, others = 0;
    const auto count = [&](Word result) {
        if (!is_error(result))
            ++done;
        else if (error_of(result) == kEfault)
            ++faults;
        else
            ++others;
    };
    void* const page = reinterpret_cast<void*>(address);
    for (Word round = number_argument(0); round > 0; --round) {
        count(read_file(random, page, kPage));
        count(write_file(null, page, kPage));
        count(call(abi::SYS_CLOCK_GETTIME, 4, address));
        count(call(abi::SYS_FSTAT, 1, address, sizeof(abi::Stat)));
    }
    say_result("done", done);
    say_result("faults", faults);
    if (others != 0) say_effect("something else");
    return 0;
}

constexpr Attack kAttacks[] = {
    {"race-path", race_path},
    {"race-map", race_map},
    {"race-protection", race_protection},
    {"race-mapping", race_mapping},
};

}  // namespace

std::span<const Attack> race_attacks() {
    return kAttacks;
}

}  // namespace halfcell::attack
