#include "userland/lib/terminal_modes.h"

#include "userland/lib/number.h"

namespace halfcell::userland {
namespace {

using Field = std::uint32_t TerminalModes::*;

struct Flag {
    std::string_view name;
    Field field;
    std::uint32_t bit;
    bool sane;
};

constexpr Flag kFlags[] = {
    {"inlcr", &TerminalModes::input, 0100, false},      {"igncr", &TerminalModes::input, 0200, false},
    {"icrnl", &TerminalModes::input, 0400, true},       {"ixon", &TerminalModes::input, 01000, true},
    {"opost", &TerminalModes::output, 01, true},        {"onlcr", &TerminalModes::output, 02, true},
    {"isig", &TerminalModes::local, 0x80, true},        {"icanon", &TerminalModes::local, 0x100, true},
    {"iexten", &TerminalModes::local, 0x400, true},     {"echo", &TerminalModes::local, 0x8, true},
    {"echoe", &TerminalModes::local, 0x2, true},        {"echok", &TerminalModes::local, 0x4, true},
    {"echonl", &TerminalModes::local, 0x10, false},     {"noflsh", &TerminalModes::local, 0x80000000, false},
    {"tostop", &TerminalModes::local, 0x400000, false},
};

struct Character {
    std::string_view name;
    std::size_t index;
    std::uint8_t sane;
    bool number;
};

constexpr Character kCharacters[] = {
    {"intr", 8, 3, false},    {"quit", 9, 28, false},     {"erase", 3, 127, false}, {"kill", 5, 21, false},
    {"eof", 0, 4, false},     {"eol", 1, 0, false},       {"eol2", 2, 0, false},    {"start", 12, 17, false},
    {"stop", 13, 19, false},  {"susp", 10, 26, false},    {"rprnt", 6, 18, false},  {"werase", 4, 23, false},
    {"lnext", 14, 22, false}, {"discard", 15, 15, false}, {"min", 16, 1, true},     {"time", 17, 0, true},
};

std::string shown(const Character& character, std::uint8_t value) {
    if (character.number) return decimal(value);
    if (value == 0) return "<undef>";
    if (value < 32) return {'^', static_cast<char>(value + 64)};
    if (value == 127) return "^?";
    return {static_cast<char>(value)};
}

void set(TerminalModes& modes, const Flag& flag, bool on) {
    modes.*flag.field = on ? modes.*flag.field | flag.bit : modes.*flag.field & ~flag.bit;
}

// Input as it comes, output as it is; `on` as "raw", off as "cooked".
void set_raw(TerminalModes& modes, bool on) {
    for (const Flag& flag : kFlags) {
        for (const std::string_view name : {"icrnl", "ixon", "opost", "isig", "icanon", "iexten"}) {
            if (flag.name == name) set(modes, flag, !on);
        }
    }
    if (on) modes.characters[16] = 1;
    if (on) modes.characters[17] = 0;
}

}  // namespace

std::string terminal_modes_text(const TerminalModes& modes) {
    std::string text;
    for (const Character& character : kCharacters) {
        text.append(character.name).append(" = ");
        text.append(shown(character, modes.characters[character.index]));
        text.append(character.name == "eol2" || character.name == "time" ? ";\n" : "; ");
    }
    Field last = nullptr;
    for (const Flag& flag : kFlags) {
        if (last != nullptr) text.append(flag.field == last ? " " : "\n");
        text.append((modes.*flag.field & flag.bit) != 0 ? "" : "-").append(flag.name);
        last = flag.field;
    }
    return text + "\n";
}

bool apply_terminal_mode(std::string_view word, TerminalModes& modes) {
    const bool on = !word.starts_with('-');
    if (!on) word.remove_prefix(1);
    if (word == "raw" || word == "cooked") {
        set_raw(modes, (word == "raw") == on);
        return true;
    }
    if (word == "sane" && on) {
        for (const Flag& flag : kFlags)
            set(modes, flag, flag.sane);
        for (const Character& character : kCharacters)
            modes.characters[character.index] = character.sane;
        return true;
    }
    for (const Flag& flag : kFlags) {
        if (flag.name != word) continue;
        set(modes, flag, on);
        return true;
    }
    return false;
}

bool is_terminal_character(std::string_view name) {
    for (const Character& character : kCharacters) {
        if (character.name == name) return true;
    }
    return false;
}

bool set_terminal_character(std::string_view name, std::string_view value, TerminalModes& modes) {
    for (const Character& character : kCharacters) {
        if (character.name != name) continue;
        std::uint8_t& target = modes.characters[character.index];
        if (character.number) {
            const auto number = parse_unsigned(value);
            if (!number || *number > 255) return false;
            target = static_cast<std::uint8_t>(*number);
        } else if (value == "undef" || value == "^-") {
            target = 0;
        } else if (value == "^?") {
            target = 127;
        } else if (value.size() == 2 && value[0] == '^') {
            target = static_cast<std::uint8_t>(value[1] & 31);
        } else if (value.size() == 1) {
            target = static_cast<std::uint8_t>(value[0]);
        } else {
            return false;
        }
        return true;
    }
    return false;
}

}  // namespace halfcell::userland
