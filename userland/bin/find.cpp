// find: searches directories for files.

#include "userland/lib/find_expression.h"
#include "userland/lib/tool.h"
#include "userland/rt/directory.h"
#include "userland/rt/file.h"
#include "userland/rt/path.h"

namespace halfcell::userland {
namespace {

constexpr Usage kUsage{
    "find",
    "[-H] [-L] [-P] [PATH]... [EXPRESSION]",
    "Visits each PATH (.) and all below it, and evaluates EXPRESSION for each file.\n"
    "Tests: -name -iname -path -ipath GLOB, -type bcdflps, -size [+-]N[cwbkMG], -empty, -newer FILE,\n"
    "-mtime -atime [+-]DAYS, -mmin -amin [+-]MINUTES, -perm [-/]MODE, -links -inum -uid -gid [+-]N.\n"
    "Actions: -print (the default), -print0, -delete, -prune, -quit, -exec COMMAND ;, -exec COMMAND {} +,\n"
    "-ok COMMAND ;. Options: -maxdepth N, -mindepth N, "
    "-depth.\n"
    "Joined by: ( E ), ! E, E1 E2, E1 -a E2, E1 -o E2.",
    {}};

class Walker {
  public:
    Walker(const FindExpression& expression, bool follow, bool follow_operands)
        : expression_(expression), follow_(follow), follow_operands_(follow_operands) {}

    void start(std::string_view path) {
        const bool follow = follow_ || follow_operands_;
        const Result<abi::Stat> stat = stat_file(path, follow ? FollowLinks::kYes : FollowLinks::kNo);
        if (!stat && !(follow && stat_file(path, FollowLinks::kNo))) {
            complain(quoted(path), ": ", error_sentence(stat.error()));
            return;
        }
        visit(std::string(path), 0, stat && is_directory(*stat), follow);
    }

  private:
    void visit(std::string path, std::uint64_t depth, bool directory, bool follow) {
        const FindOptions& options = expression_.options();
        FoundFile file(std::move(path), depth, follow);
        const bool counted = depth >= options.least_depth;
        if (counted && !options.contents_first) (void)expression_.evaluate(file);
        if (directory && depth < options.most_depth && !file.pruned) visit_contents(file.path(), depth);
        if (counted && options.contents_first) (void)expression_.evaluate(file);
    }

    void visit_contents(const std::string& path, std::uint64_t depth) {
        const Result<std::vector<DirectoryEntry>> entries = read_directory_sorted(path);
        if (!entries) {
            complain(quoted(path), ": ", error_sentence(entries.error()));
            return;
        }
        for (const DirectoryEntry& entry : *entries) {
            std::string child = join_path(path, entry.name);
            bool directory = entry.kind == EntryKind::kDirectory;
            if (entry.kind == EntryKind::kUnknown || (follow_ && entry.kind == EntryKind::kSymbolicLink)) {
                const Result<abi::Stat> stat =
                    stat_file(child, follow_ ? FollowLinks::kYes : FollowLinks::kNo);
                directory = stat && is_directory(*stat);
            }
            visit(std::move(child), depth + 1, directory, follow_);
        }
    }

    const FindExpression& expression_;
    bool follow_;
    bool follow_operands_;
};

bool begins_expression(std::string_view word) {
    return (word.size() > 1 && word.starts_with('-')) || word == "(" || word == "!";
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    set_tool(kUsage);
    if (arguments.size() == 1 && arguments[0] == "--help") {
        out().write(help_text(kUsage));
        return 0;
    }
    bool follow = false;
    bool follow_operands = false;
    while (!arguments.empty() && (arguments[0] == "-L" || arguments[0] == "-P" || arguments[0] == "-H")) {
        follow = arguments[0] == "-L";
        follow_operands = arguments[0] == "-H";
        arguments = arguments.subspan(1);
    }
    std::size_t paths = 0;
    while (paths < arguments.size() && !begins_expression(arguments[paths]))
        ++paths;
    const FindExpression expression = FindExpression::parse(arguments.subspan(paths));
    Walker walker(expression, follow, follow_operands);
    if (paths == 0) walker.start(".");
    for (const std::string_view path : arguments.first(paths))
        walker.start(path);
    expression.finish();
    return tool_status();
}

}  // namespace halfcell::userland
