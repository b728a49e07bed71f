// dirname: strips the last component from names.

#include "userland/lib/tool.h"
#include "userland/rt/path.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {{'z', "zero", Value::kNone, "", "end each name with a NUL"}};
constexpr Usage kUsage{"dirname", "[OPTION] NAME...", "Prints each NAME without its last component.",
                       kOptions};

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    check_operand_count(line, 1);
    for (const std::string_view name : line.operands)
        out().print(directory_name(name), line.has('z') ? '\0' : '\n');
    return 0;
}

}  // namespace halfcell::userland
