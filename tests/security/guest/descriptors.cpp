// Attacks on descriptors that were not given. Guests only.

#include "abi/flags.h"
#include "abi/number.h"
#include "tests/security/guest/world.h"

namespace halfcell::attack {

namespace {

constexpr Word kGetFlags = 3;
constexpr Word kTableSize = 65536;

// COUNT: opens COUNT files, then asks every number of both tables, and some of neither, who is there. Prints
// the numbers that answer but for those the program knows it holds.
int guess_descriptors() {
    const Word opened = number_argument(0);
    for (Word i = 0; i < opened; ++i)
        if (is_error(open_path("/scheme/null"))) return 1;
    Word unknown = 0, known = 0;
    const auto try_number = [&](Word number) {
        if (is_error(call(abi::SYS_FCNTL, number, kGetFlags, 0))) return;
        const bool own = number == world().process || number == world().thread ||
                         number == world().name_space || number == world().directory || number <= 2;
        if (own) {
            ++known;
            return;
        }
        ++unknown;
        say("holds ");
        say_hex(number);
        say("\n");
    };
    for (Word number = 0; number < kTableSize + 16; ++number) {
        try_number(number);
        try_number(abi::kUpperFdtblTag | number);
    }
    for (Word bit = 17; bit < 64; ++bit) {
        try_number(Word{1} << bit);
        try_number(~Word{0} << bit);
        try_number((Word{1} << bit) | 1);
    }
    say_result("known", known);
    say_result("unknown", unknown);
    return 0;
}

// Duplicates a descriptor until it is refused.
int exhaust_descriptors() {
    Word count = 0;
    for (;;) {
        const Word result = call(abi::SYS_DUP, 1, 0, 0);
        if (is_error(result)) {
            say_result("held", count);
            say_result("then", result);
            break;
        }
        ++count;
    }
    // The table is full, not broken: closing one makes room for one.
    call(abi::SYS_CLOSE, 3);
    say_result("again", call(abi::SYS_DUP, 1, 0, 0));
    return 0;
}

// The same with files of a scheme: what each of them costs the host is bounded too.
int exhaust_files() {
    Word count = 0;
    for (;;) {
        const Word result = open_path(text_argument(0));
        if (is_error(result)) {
            say_result("held", count);
            say_result("then", result);
            return 0;
        }
        ++count;
    }
}

constexpr Attack kAttacks[] = {
    {"guess-descriptors", guess_descriptors},
    {"exhaust-descriptors", exhaust_descriptors},
    {"exhaust-files", exhaust_files},
};

}  // namespace

std::span<const Attack> descriptor_attacks() {
    return kAttacks;
}

}  // namespace halfcell::attack
