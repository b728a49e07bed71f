// printf: prints its arguments by a format.

#include "userland/lib/print_format.h"
#include "userland/lib/tool.h"

namespace halfcell::userland {
namespace {

constexpr Usage kUsage{
    "printf",
    "FORMAT [ARGUMENT]...",
    "Prints the arguments as FORMAT says, again and again while arguments are left.\n"
    "%s text, %d %u %o %x whole numbers, %f %e %g real ones, %c a character, %b text with\n"
    "escapes, %q quoted for the shell, %% a percent sign; \\n \\t \\NNN \\xHH as in C.",
    {},
    1,
    Operands::kLast};

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    set_tool(kUsage);
    if (arguments.size() == 1 && arguments[0] == "--help") {
        out().write(help_text(kUsage));
        return 0;
    }
    if (!arguments.empty() && arguments[0] == "--") arguments = arguments.subspan(1);
    if (arguments.empty()) usage_error("missing operand");
    const Formatted result = format_arguments(arguments[0], arguments.subspan(1));
    out().write(result.text);
    for (const std::string& complaint : result.complaints)
        complain(complaint);
    if (!result.error.empty()) complain(result.error);
    return tool_status();
}

}  // namespace halfcell::userland
