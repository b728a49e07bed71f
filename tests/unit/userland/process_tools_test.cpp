// What the tools for processes and terminals know without asking anybody.

#include <doctest/doctest.h>

#include "userland/lib/signal_names.h"
#include "userland/lib/split_input.h"
#include "userland/lib/terminal_modes.h"

using namespace halfcell::userland;

TEST_CASE("signals by name and by number") {
    CHECK(signal_number("INT") == 2);
    CHECK(signal_number("SIGINT") == 2);
    CHECK(signal_number("int") == 2);
    CHECK(signal_number("15") == 15);
    CHECK(signal_number("0") == 0);
    CHECK(signal_number("RTMIN+1") == 36);
    CHECK(signal_number("RTMAX") == 64);
    CHECK_FALSE(signal_number("65").has_value());
    CHECK_FALSE(signal_number("NOTHING").has_value());
    CHECK_FALSE(signal_number("").has_value());
    CHECK(signal_name(9) == "KILL");
    CHECK(signal_name(40) == "RTMIN+5");
    CHECK(signal_name(33) == "33");
    CHECK(signal_description(11) == "Segmentation fault");
    for (std::uint32_t signal = 1; signal <= 64; ++signal)
        CHECK(signal_number(signal_name(signal)) == signal);
}

TEST_CASE("the items of xargs") {
    using Items = std::vector<std::string>;
    CHECK(split_items("a b\n\tc\n", ItemStyle::kQuoted) == Items{"a", "b", "c"});
    CHECK(split_items("'a b' \"c'd\" e\\ f ''", ItemStyle::kQuoted) == Items{"a b", "c'd", "e f", ""});
    CHECK(split_items(" a b \n\n c\n", ItemStyle::kLines) == Items{"a b ", "c"});
    CHECK(split_items(std::string_view("a b\0c\n\0\0", 8), ItemStyle::kNul) == Items{"a b", "c\n", ""});
    CHECK(split_items("", ItemStyle::kQuoted) == Items{});
    CHECK_FALSE(split_items("'a\nb'", ItemStyle::kQuoted).has_value());
}

TEST_CASE("the modes of a terminal") {
    TerminalModes modes{};
    CHECK(apply_terminal_mode("sane", modes));
    CHECK(modes.characters[8] == 3);
    CHECK((modes.local & 0x108) == 0x108);
    CHECK(apply_terminal_mode("-echo", modes));
    CHECK((modes.local & 0x8) == 0);
    CHECK(terminal_modes_text(modes).find(" -echo ") != std::string::npos);
    CHECK(apply_terminal_mode("raw", modes));
    CHECK((modes.local & 0x180) == 0);
    CHECK(apply_terminal_mode("-raw", modes));
    CHECK((modes.local & 0x180) == 0x180);
    CHECK_FALSE(apply_terminal_mode("unknown", modes));
    CHECK(is_terminal_character("intr"));
    CHECK(set_terminal_character("intr", "^X", modes));
    CHECK(modes.characters[8] == 24);
    CHECK(set_terminal_character("erase", "^?", modes));
    CHECK(modes.characters[3] == 127);
    CHECK(set_terminal_character("eof", "undef", modes));
    CHECK(modes.characters[0] == 0);
    CHECK(set_terminal_character("min", "5", modes));
    CHECK_FALSE(set_terminal_character("min", "500", modes));
    CHECK_FALSE(set_terminal_character("intr", "long", modes));
    CHECK(terminal_modes_text(modes).find("intr = ^X; ") != std::string::npos);
}
