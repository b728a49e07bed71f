// pwd: prints the working directory.

#include "userland/lib/tool.h"
#include "userland/rt/file.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'L', "logical", Value::kNone, "", "as the program was told (the default)"},
    {'P', "physical", Value::kNone, "", "with links resolved"},
};
constexpr Usage kUsage{"pwd", "[OPTION]...", "Prints the working directory.", kOptions};

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    if (!line.options.empty() && line.options.back().id == 'P') {
        const Result<std::string> path = real_path(".");
        if (!path) give_up(1, "cannot resolve the working directory: ", error_sentence(path.error()));
        out().print(*path, '\n');
        return 0;
    }
    out().print(process().working_directory, '\n');
    return 0;
}

}  // namespace halfcell::userland
