// stty: shows and changes the modes of the terminal on standard input.

#include "userland/lib/number.h"
#include "userland/lib/terminal_modes.h"
#include "userland/lib/tool.h"

namespace halfcell::userland {
namespace {

constexpr Usage kUsage{
    "stty",
    "[-a | size | MODE...]",
    "Shows the terminal's modes (-a and without arguments) or its rows and columns (size), or sets\n"
    "modes: [-]icanon [-]echo [-]isig [-]icrnl [-]opost [-]onlcr…, raw, cooked, sane;\n"
    "intr erase kill eof susp… CHARACTER; min time rows cols NUMBER.",
    {}};

struct Size {
    std::uint16_t rows = 0;
    std::uint16_t columns = 0;
};

// The terminal's answer to a dup with a name, or its new value.
template <typename T>
T get(std::string_view name) {
    T value{};
    const Result<Fd> handle = sys_dup(Fd::kStdin, name);
    if (!handle) give_up(1, "standard input: not a terminal");
    const UniqueFd owned(*handle);
    if (const auto read = sys_read(*handle, std::as_writable_bytes(std::span(&value, 1))); !read)
        give_up(1, "cannot read the terminal's ", name, ": ", error_sentence(read.error()));
    return value;
}

template <typename T>
void put(std::string_view name, const T& value) {
    const Result<Fd> handle = sys_dup(Fd::kStdin, name);
    if (!handle) give_up(1, "standard input: not a terminal");
    const UniqueFd owned(*handle);
    if (const auto written = sys_write(*handle, std::as_bytes(std::span(&value, 1))); !written)
        give_up(1, "cannot set the terminal's ", name, ": ", error_sentence(written.error()));
}

std::string_view value_of(std::span<const std::string_view> words, std::size_t& at) {
    if (at + 1 == words.size()) give_up(1, "missing argument to ", quoted(words[at]));
    return words[++at];
}

void set_size(std::string_view name, std::string_view text) {
    const auto number = parse_unsigned(text);
    if (!number || *number > 0xffff) give_up(1, "invalid number ", quoted(text));
    Size size = get<Size>("winsize");
    (name == "rows" ? size.rows : size.columns) = static_cast<std::uint16_t>(*number);
    put("winsize", size);
}

void apply(std::span<const std::string_view> words) {
    TerminalModes modes = get<TerminalModes>("termios");
    for (std::size_t at = 0; at < words.size(); ++at) {
        const std::string_view word = words[at];
        if (word == "rows" || word == "cols" || word == "columns") {
            set_size(word, value_of(words, at));
        } else if (is_terminal_character(word)) {
            const std::string_view value = value_of(words, at);
            if (!set_terminal_character(word, value, modes)) give_up(1, "invalid argument ", quoted(value));
        } else if (!apply_terminal_mode(word, modes)) {
            give_up(1, "invalid argument ", quoted(word));
        }
    }
    put("termios", modes);
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    set_tool(kUsage);
    if (arguments.size() == 1 && arguments[0] == "--help") {
        out().write(help_text(kUsage));
        return 0;
    }
    if (arguments.size() == 1 && arguments[0] == "size") {
        const Size size = get<Size>("winsize");
        out().print(size.rows, ' ', size.columns, '\n');
        return 0;
    }
    if (!arguments.empty() && arguments[0] != "-a") {
        apply(arguments);
        return 0;
    }
    const Size size = get<Size>("winsize");
    out().print("rows ", size.rows, "; columns ", size.columns, ";\n");
    out().write(terminal_modes_text(get<TerminalModes>("termios")));
    return 0;
}

}  // namespace halfcell::userland
