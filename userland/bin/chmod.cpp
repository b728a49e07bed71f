// chmod: changes permissions.

#include "userland/lib/mode.h"
#include "userland/lib/number.h"
#include "userland/lib/tool.h"
#include "userland/rt/directory.h"
#include "userland/rt/file.h"
#include "userland/rt/path.h"

namespace halfcell::userland {
namespace {

constexpr int kReference = kLongOnly;
constexpr Option kOptions[] = {
    {'c', "changes", Value::kNone, "", "say what is changed"},
    {'f', "quiet", Value::kNone, "", "no complaints"},
    {'R', "recursive", Value::kNone, "", "directories and all in them"},
    {kReference, "reference", Value::kRequired, "FILE", "the mode of FILE instead of MODE"},
    {'v', "verbose", Value::kNone, "", "say what is done to each file"},
};
constexpr Usage kUsage{"chmod", "[OPTION]... MODE[,MODE]... FILE...",
                       "Gives each FILE the permissions MODE: octal digits, or [ugoa]*[-+=][rwxXst]*.",
                       kOptions};

class Changer {
  public:
    Changer(std::string_view mode, const CommandLine& line) : mode_(mode), line_(line) {}

    void change(const std::string& path, bool operand) {
        const Result<abi::Stat> stat = stat_file(path, operand ? FollowLinks::kYes : FollowLinks::kNo);
        if (!stat) {
            refuse("cannot access ", path, stat.error());
            return;
        }
        // Links met on the way are left alone: what they point to is somebody else's.
        if (is_symbolic_link(*stat)) return;
        const bool directory = is_directory(*stat);
        const auto before = static_cast<std::uint16_t>(stat->st_mode & 07777);
        const std::uint16_t after = *apply_mode(mode_, before, directory, process().umask);
        const Result<void> changed = change_mode(path, after);
        if (!changed) refuse("changing permissions of ", path, changed.error());
        if (changed) report(path, before, after);
        if (directory && line_.has('R')) change_contents(path);
    }

  private:
    void refuse(std::string_view what, const std::string& path, Errno error) {
        if (line_.has('f')) {
            set_tool_status(1);
        } else {
            complain(what, quoted(path), ": ", error_sentence(error));
        }
    }

    void report(const std::string& path, std::uint16_t before, std::uint16_t after) {
        if (!line_.has('v') && !(line_.has('c') && before != after)) return;
        const auto shown = [](std::uint16_t mode) {
            return concat(in_base(mode, 8, 4), " (", mode_text(mode).substr(1), ")");
        };
        if (before == after) {
            out().print("mode of ", quoted(path), " retained as ", shown(after), '\n');
        } else {
            out().print("mode of ", quoted(path), " changed from ", shown(before), " to ", shown(after),
                        '\n');
        }
    }

    void change_contents(const std::string& path) {
        const Result<std::vector<DirectoryEntry>> entries = read_directory_sorted(path);
        if (!entries) {
            refuse("cannot read directory ", path, entries.error());
            return;
        }
        for (const DirectoryEntry& entry : *entries)
            change(join_path(path, entry.name), false);
    }

    std::string_view mode_;
    const CommandLine& line_;
};

// "chmod -x FILE": a mode that begins with '-' would be taken for options.
std::vector<std::string_view> with_marked_mode(std::span<const std::string_view> arguments) {
    std::vector<std::string_view> marked;
    bool done = false;
    for (const std::string_view argument : arguments) {
        const bool mode = argument.size() > 1 && argument[0] == '-' &&
                          argument.find_first_not_of("rwxXstugo,+-=", 1) == std::string_view::npos &&
                          is_mode_expression(argument);
        if (!done && mode) marked.push_back("--");
        done = done || mode || argument == "--" || !argument.starts_with('-');
        marked.push_back(argument);
    }
    return marked;
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const std::vector<std::string_view> marked = with_marked_mode(arguments);
    const CommandLine line = parse_or_exit(kUsage, marked);
    std::span<const std::string_view> files = line.operands;
    std::string mode;
    if (line.has(kReference)) {
        const Result<abi::Stat> stat = stat_file(line.value_of(kReference));
        if (!stat) {
            give_up(1, "failed to get attributes of ", quoted(line.value_of(kReference)), ": ",
                    error_sentence(stat.error()));
        }
        mode = in_base(stat->st_mode & 07777, 8);
        check_operand_count(line, 1);
    } else {
        check_operand_count(line, 2);
        mode = files[0];
        files = files.subspan(1);
    }
    if (!is_mode_expression(mode)) usage_error(concat("invalid mode: ", quoted(mode)));
    Changer changer(mode, line);
    for (const std::string_view path : files)
        changer.change(std::string(path), true);
    return tool_status();
}

}  // namespace halfcell::userland
