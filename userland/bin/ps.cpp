// ps: lists the processes.

#include "userland/lib/tool.h"
#include "userland/rt/file.h"
#include "userland/rt/input.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {{'T', "threads", Value::kNone, "", "every thread, as the kernel sees it"}};
constexpr Usage kUsage{
    "ps", "[-T]",
    "Prints the process manager's table: ids of process, group, parent and session, users and\n"
    "groups, threads, state (R runs, S stopped, E ends, X ended) and name.",
    kOptions};

bool show(std::string_view path, Errno& problem) {
    const Result<UniqueFd> file = open_file(path, abi::OpenFlags::kRdonly | abi::OpenFlags::kCloexec);
    std::string text;
    const Result<void> read = file ? read_rest(file->fd(), text) : file.error();
    if (!read) {
        problem = read.error();
        return false;
    }
    out().write(text);
    return true;
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    check_operand_count(line, 0, 0);
    // A namespace without the process manager still has the kernel's view.
    Errno problem{};
    if (!line.has('T') && show("/scheme/proc/ps", problem)) return 0;
    if (!show("/scheme/sys/context", problem)) give_up(1, "no list of processes: ", error_sentence(problem));
    return 0;
}

}  // namespace halfcell::userland
