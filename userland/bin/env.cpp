// env: prints the environment, or runs a command in another one.

#include <vector>

#include "userland/lib/run_command.h"
#include "userland/lib/tool.h"
#include "userland/rt/exec.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'i', "ignore-environment", Value::kNone, "", "start from nothing"},
    {'u', "unset", Value::kRequired, "NAME", "leave NAME out"},
    {'0', "null", Value::kNone, "", "end each line with a NUL"},
};
constexpr Usage kUsage{"env",
                       "[OPTION]... [-] [NAME=VALUE]... [COMMAND [ARG]...]",
                       "Prints the environment with each NAME set to VALUE, or runs COMMAND in it.",
                       kOptions,
                       125,
                       Operands::kLast};

std::string_view name_of(std::string_view entry) {
    return entry.substr(0, entry.find('='));
}

void remove_name(std::vector<std::string_view>& entries, std::string_view name) {
    std::erase_if(entries, [name](std::string_view entry) { return name_of(entry) == name; });
}

void set_entry(std::vector<std::string_view>& entries, std::string_view assignment) {
    for (std::string_view& entry : entries) {
        if (name_of(entry) != name_of(assignment)) continue;
        entry = assignment;
        return;
    }
    entries.push_back(assignment);
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    std::span<const std::string_view> operands = line.operands;
    bool clear = line.has('i');
    if (!operands.empty() && operands[0] == "-") {
        clear = true;
        operands = operands.subspan(1);
    }
    std::vector<std::string_view> entries;
    if (!clear) entries.assign(process().environment.begin(), process().environment.end());
    for (const GivenOption& option : line.options) {
        if (option.id == 'u') remove_name(entries, option.value);
    }
    while (!operands.empty() && operands[0].find('=') != std::string_view::npos) {
        set_entry(entries, operands[0]);
        operands = operands.subspan(1);
    }
    if (!operands.empty()) {
        // The command is looked for in the PATH that it gets.
        const std::vector<std::string> environment = as_words(entries);
        std::string_view search = "/bin:/usr/bin";
        for (const std::string_view entry : entries) {
            if (entry.starts_with("PATH=")) search = entry.substr(5);
        }
        const Result<std::string> path = find_program(operands[0], search);
        const Errno problem = path ? exec_program(*path, as_words(operands), environment) : path.error();
        if (problem == Errno::kENOEXEC && is_linux_program(*path))
            give_up(126, quoted(operands[0]), ": ", kLinuxProgram);
        give_up(problem == Errno::kENOENT ? 127 : 126, quoted(operands[0]), ": ", error_sentence(problem));
    }
    for (const std::string_view entry : entries)
        out().print(entry, line.has('0') ? '\0' : '\n');
    return 0;
}

}  // namespace halfcell::userland
