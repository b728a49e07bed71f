// echo: prints its arguments.

#include "userland/lib/escape.h"
#include "userland/lib/tool.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'n', "", Value::kNone, "", "no newline at the end"},
    {'e', "", Value::kNone, "", "understand \\n \\t \\\\ \\0NNN \\xHH \\c …"},
    {'E', "", Value::kNone, "", "leave backslashes alone (the default)"},
};
constexpr Usage kUsage{"echo", "[-neE] [STRING]...",
                       "Prints the strings, with blanks between, and a newline.", kOptions};

struct Style {
    bool newline = true;
    bool escapes = false;
};

// Takes an argument as options; one with any other letter is text.
bool take_options(std::string_view argument, Style& style) {
    if (argument.size() < 2 || argument[0] != '-') return false;
    if (argument.find_first_not_of("neE", 1) != std::string_view::npos) return false;
    for (const char letter : argument.substr(1)) {
        if (letter == 'n') style.newline = false;
        if (letter != 'n') style.escapes = letter == 'e';
    }
    return true;
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    set_tool(kUsage);
    if (arguments.size() == 1 && arguments[0] == "--help") {
        out().write(help_text(kUsage));
        return 0;
    }
    Style style;
    while (!arguments.empty() && take_options(arguments[0], style))
        arguments = arguments.subspan(1);
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (i > 0) out().put(' ');
        if (!style.escapes) {
            out().write(arguments[i]);
            continue;
        }
        const Unescaped text = unescape(arguments[i], OctalStyle::kZeroPrefixed);
        out().write(text.text);
        if (text.stopped) return 0;
    }
    if (style.newline) out().put('\n');
    return 0;
}

}  // namespace halfcell::userland
