// yes: prints a line again and again.

#include "userland/lib/tool.h"

namespace halfcell::userland {
namespace {

constexpr Usage kUsage{
    "yes", "[STRING]...", "Prints the strings (\"y\") on a line, until nobody reads any more.", {}};

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    std::string text;
    for (const std::string_view operand : line.operands) {
        if (!text.empty()) text.push_back(' ');
        text.append(operand);
    }
    if (line.operands.empty()) text.push_back('y');
    text.push_back('\n');
    for (;;)
        out().write(text);
}

}  // namespace halfcell::userland
