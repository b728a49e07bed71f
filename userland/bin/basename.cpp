// basename: strips directories, and a suffix, from names.

#include "userland/lib/tool.h"
#include "userland/rt/path.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'a', "multiple", Value::kNone, "", "every operand is a name"},
    {'s', "suffix", Value::kRequired, "SUFFIX", "strip SUFFIX too; implies -a"},
    {'z', "zero", Value::kNone, "", "end each name with a NUL"},
};
constexpr Usage kUsage{"basename", "NAME [SUFFIX]\n  or:  basename OPTION... NAME...",
                       "Prints NAME without its directories, and without SUFFIX.", kOptions};

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    const bool many = line.has('a') || line.has('s');
    check_operand_count(line, 1, many ? ~std::size_t{0} : 2);
    std::string_view suffix = line.value_of('s');
    if (!many && line.operands.size() == 2) suffix = line.operands[1];
    const std::size_t count = many ? line.operands.size() : 1;
    for (std::size_t i = 0; i < count; ++i) {
        std::string_view name = base_name(line.operands[i]);
        if (name != suffix && !suffix.empty() && name.ends_with(suffix)) name.remove_suffix(suffix.size());
        out().print(name, line.has('z') ? '\0' : '\n');
    }
    return 0;
}

}  // namespace halfcell::userland
