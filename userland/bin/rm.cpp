// rm: removes files and directories.

#include "userland/lib/remove.h"
#include "userland/lib/tool.h"

namespace halfcell::userland {
namespace {

constexpr int kPreserveRoot = kLongOnly;
constexpr Option kOptions[] = {
    {'d', "dir", Value::kNone, "", "remove empty directories"},
    {'f', "force", Value::kNone, "", "no question, no complaint about missing files"},
    {'i', "interactive", Value::kNone, "", "ask before each removal"},
    {'r', "recursive", Value::kNone, "", "remove directories and all in them"},
    {'R', "", Value::kNone, "", "same as -r"},
    {'v', "verbose", Value::kNone, "", "say what is removed"},
    {kPreserveRoot, "preserve-root", Value::kNone, "", ""},
};
constexpr Usage kUsage{"rm", "[OPTION]... FILE...", "Removes each FILE.", kOptions};

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    RemoveOptions options;
    for (const GivenOption& option : line.options) {
        switch (option.id) {
            case 'd':
                options.empty_directories = true;
                break;
            case 'f':
                options.force = true;
                options.interactive = false;
                break;
            case 'i':
                options.interactive = true;
                options.force = false;
                break;
            case 'r':
            case 'R':
                options.recursive = true;
                break;
            case 'v':
                options.verbose = true;
                break;
            default:
                break;
        }
    }
    if (line.operands.empty() && options.force) return 0;
    check_operand_count(line, 1);
    for (const std::string_view path : line.operands)
        (void)remove_operand(path, options);
    return tool_status();
}

}  // namespace halfcell::userland
