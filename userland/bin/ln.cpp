// ln: makes links.

#include "userland/lib/copy.h"
#include "userland/lib/tool.h"
#include "userland/rt/file.h"
#include "userland/rt/path.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'f', "force", Value::kNone, "", "replace what is there"},
    {'n', "no-dereference", Value::kNone, "", "a link to a directory is replaced, not entered"},
    {'s', "symbolic", Value::kNone, "", "make symbolic links"},
    {'t', "target-directory", Value::kRequired, "DIR", "make all links in DIR"},
    {'T', "no-target-directory", Value::kNone, "", "the last operand is the link itself"},
    {'v', "verbose", Value::kNone, "", "say what is linked"},
};
constexpr Usage kUsage{
    "ln", "[OPTION]... TARGET... LINK",
    "Makes LINK another name of TARGET, or with -s a reference to it; in the directory LINK for\n"
    "each TARGET. Without LINK: in the working directory.",
    kOptions};

void make_link(std::string_view target, const std::string& link, const CommandLine& line) {
    const bool symbolic = line.has('s');
    const auto attempt = [&] {
        return symbolic ? make_symbolic_link(target, link) : make_hard_link(target, link);
    };
    Result<void> made = attempt();
    if (!made && made.error() == Errno::kEEXIST && line.has('f')) {
        const Result<abi::Stat> from = stat_file(target, FollowLinks::kNo);
        const Result<abi::Stat> to = stat_file(link, FollowLinks::kNo);
        if (!symbolic && from && to && same_file(*from, *to)) {
            complain(quoted(target), " and ", quoted(link), " are the same file");
            return;
        }
        if (const Result<void> removed = remove_file(link); !removed) {
            complain("cannot remove ", quoted(link), ": ", error_sentence(removed.error()));
            return;
        }
        made = attempt();
    }
    if (!made) {
        if (!symbolic && made.error() == Errno::kENOENT && !stat_file(target, FollowLinks::kNo)) {
            complain("failed to access ", quoted(target), ": ", error_sentence(made.error()));
        } else if (symbolic) {
            complain("failed to create symbolic link ", quoted(link), ": ", error_sentence(made.error()));
        } else {
            complain("failed to create hard link ", quoted(link), ": ", error_sentence(made.error()));
        }
        return;
    }
    if (line.has('v')) out().print(quoted(link), symbolic ? " -> " : " => ", quoted(target), '\n');
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    check_operand_count(line, 1);
    std::span<const std::string_view> targets = line.operands;
    std::string_view link = line.value_of('t');
    if (link.empty()) {
        link = targets.size() == 1 ? std::string_view(".") : targets.back();
        if (targets.size() > 1) targets = targets.first(targets.size() - 1);
    }
    const Result<abi::Stat> stat = stat_file(link, line.has('n') ? FollowLinks::kNo : FollowLinks::kYes);
    const bool into = !line.has('T') && stat && is_directory(*stat);
    if (!into && (targets.size() > 1 || line.has('t'))) {
        const Errno error = stat ? Errno::kENOTDIR : stat.error();
        give_up(1, "target ", quoted(link), ": ", error_sentence(error));
    }
    for (const std::string_view target : targets)
        make_link(target, target_of(target, link, into), line);
    return tool_status();
}

}  // namespace halfcell::userland
