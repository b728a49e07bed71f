#pragma once

// Command lines, as GNU programs read them: short options may be bundled, long ones shortened, options may
// follow operands, and "--" ends them. Pure; tested on the host.

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace halfcell::userland {

enum class Value { kNone, kRequired, kOptional };

struct Option {
    int id;                    // The short letter, or a number from kLongOnly up.
    std::string_view name;     // The long name, may be empty.
    Value value;               // Whether an argument follows.
    std::string_view metavar;  // How the help calls the argument.
    std::string_view help;     // One line; empty options are not shown.
};

inline constexpr int kLongOnly = 256;

// Whether options are looked for behind the first operand.
enum class Operands { kMixed, kLast };

struct Usage {
    std::string_view name;
    std::string_view synopsis;     // What follows the name: "[OPTION]... FILE..."
    std::string_view description;  // One or a few sentences.
    std::span<const Option> options;
    int failure_status = 1;  // Of a wrong command line.
    Operands operands = Operands::kMixed;
};

struct GivenOption {
    int id;
    std::string_view value;
    bool has_value;
};

struct CommandLine {
    std::vector<GivenOption> options;  // In the order given.
    std::vector<std::string_view> operands;
    bool help = false;  // --help was given.
    std::string error;  // Not empty: what is wrong, without the program's name.

    // The last value given for an option, or `otherwise`.
    std::string_view value_of(int id, std::string_view otherwise = {}) const;
    bool has(int id) const;
};

CommandLine parse_command_line(const Usage& usage, std::span<const std::string_view> arguments);

// The text of --help, ending in a newline.
std::string help_text(const Usage& usage);

}  // namespace halfcell::userland
