// tty: prints the name of the terminal on standard input.

#include <array>

#include "userland/lib/tool.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {{'s', "silent", Value::kNone, "", "print nothing, only give the status"}};
constexpr Usage kUsage{"tty", "[-s]",
                       "Prints the name of the terminal on standard input; status 1 where it is none.",
                       kOptions, 2};

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    check_operand_count(line, 0, 0);
    std::array<char, 4096> path;
    const bool terminal = is_terminal(Fd::kStdin);
    if (!line.has('s')) {
        const Result<std::size_t> size = terminal ? sys_fpath(Fd::kStdin, path) : Errno::kENOTTY;
        out().print(size ? std::string_view(path.data(), *size) : "not a tty", '\n');
    }
    return terminal ? 0 : 1;
}

}  // namespace halfcell::userland
