#pragma once

// A terminal's modes as words: what stty shows and sets. Pure; tested on the host.
// Source of the numbers: redox-os/termios src/lib.rs, relibc:src/header/termios.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace halfcell::userland {

struct TerminalModes {
    std::uint32_t input;
    std::uint32_t output;
    std::uint32_t control;
    std::uint32_t local;
    std::array<std::uint8_t, 32> characters;
};
static_assert(sizeof(TerminalModes) == 48);

// All modes, a '-' in front of those that are off, and the special characters; in lines for people.
std::string terminal_modes_text(const TerminalModes& modes);

// Applies "echo", "-icanon", "raw", "sane", "cooked"…; false for an unknown word.
bool apply_terminal_mode(std::string_view word, TerminalModes& modes);

// Sets "intr", "erase"… to a character written as itself, "^C", "^?", "undef" or, for min and time, a number.
bool set_terminal_character(std::string_view name, std::string_view value, TerminalModes& modes);

// Whether a word takes a value: it is the name of a character.
bool is_terminal_character(std::string_view name);

}  // namespace halfcell::userland
