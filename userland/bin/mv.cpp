// mv: moves and renames files and directories.

#include "userland/lib/copy.h"
#include "userland/lib/remove.h"
#include "userland/lib/tool.h"
#include "userland/rt/file.h"
#include "userland/rt/path.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'f', "force", Value::kNone, "", "no question before overwriting (the default)"},
    {'i', "interactive", Value::kNone, "", "ask before overwriting"},
    {'n', "no-clobber", Value::kNone, "", "never overwrite"},
    {'t', "target-directory", Value::kRequired, "DIR", "move all operands into DIR"},
    {'T', "no-target-directory", Value::kNone, "", "the last operand is the new name itself"},
    {'u', "update", Value::kNone, "", "only where the source is newer or the target missing"},
    {'v', "verbose", Value::kNone, "", "say what is moved"},
};
constexpr Usage kUsage{"mv", "[OPTION]... SOURCE... TARGET",
                       "Renames SOURCE to TARGET, or moves each SOURCE into the directory TARGET.", kOptions};

struct MoveOptions {
    bool interactive = false;
    bool no_clobber = false;
    bool update = false;
    bool verbose = false;
};

bool is_newer(const abi::Stat& a, const abi::Stat& b) {
    if (a.st_mtime_sec != b.st_mtime_sec) return a.st_mtime_sec > b.st_mtime_sec;
    return a.st_mtime_nsec > b.st_mtime_nsec;
}

// Whether the move may replace what is at the target; complains where it cannot.
bool may_replace(const std::string& source, const abi::Stat& stat, const std::string& target,
                 const abi::Stat& existing, const MoveOptions& options) {
    if (same_file(stat, existing) && stat.st_nlink < 2) {
        complain(quoted(source), " and ", quoted(target), " are the same file");
        return false;
    }
    if (is_directory(existing) && !is_directory(stat)) {
        complain("cannot overwrite directory ", quoted(target), " with non-directory");
        return false;
    }
    if (!is_directory(existing) && is_directory(stat)) {
        complain("cannot overwrite non-directory ", quoted(target), " with directory ", quoted(source));
        return false;
    }
    if (options.no_clobber || (options.update && !is_newer(stat, existing))) return false;
    return !options.interactive || confirmed(concat("overwrite ", quoted(target), "? "));
}

// Across schemes and file systems a move is a copy and a removal.
void move_by_copy(const std::string& source, const std::string& target, bool target_exists) {
    if (target_exists) {
        RemoveOptions removal;
        removal.recursive = true;
        if (!remove_operand(target, removal)) return;
    }
    CopyOptions options;
    options.recursive = options.keep_mode = options.keep_times = options.keep_owner = options.keep_links =
        true;
    options.links = CopyOptions::Links::kKeep;
    Copier copier(options);
    if (!copier.copy(source, target)) return;
    RemoveOptions removal;
    removal.recursive = true;
    (void)remove_operand(source, removal);
}

void move(const std::string& source, const std::string& target, const MoveOptions& options) {
    const Result<abi::Stat> stat = stat_file(source, FollowLinks::kNo);
    if (!stat) {
        complain("cannot stat ", quoted(source), ": ", error_sentence(stat.error()));
        return;
    }
    const Result<abi::Stat> existing = stat_file(target, FollowLinks::kNo);
    if (existing && !may_replace(source, *stat, target, *existing, options)) return;
    const std::string from = canonical_path(process().working_directory, source);
    const std::string to = canonical_path(process().working_directory, target);
    if (is_directory(*stat) && to.starts_with(from + "/")) {
        complain("cannot move ", quoted(source), " to a subdirectory of itself, ", quoted(target));
        return;
    }
    const Result<void> renamed = rename_file(source, target);
    if (!renamed && renamed.error() == Errno::kEXDEV) {
        move_by_copy(source, target, static_cast<bool>(existing));
    } else if (!renamed) {
        complain("cannot move ", quoted(source), " to ", quoted(target), ": ",
                 error_sentence(renamed.error()));
        return;
    }
    if (options.verbose) out().print("renamed ", quoted(source), " -> ", quoted(target), '\n');
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    MoveOptions options;
    for (const GivenOption& option : line.options) {
        if (option.id == 'i' || option.id == 'n' || option.id == 'f') {
            options.interactive = option.id == 'i';
            options.no_clobber = option.id == 'n';
        }
        if (option.id == 'u') options.update = true;
        if (option.id == 'v') options.verbose = true;
    }
    std::span<const std::string_view> sources = line.operands;
    std::string_view target = line.value_of('t');
    if (sources.empty()) usage_error("missing file operand");
    if (target.empty()) {
        if (sources.size() == 1)
            usage_error(concat("missing destination file operand after ", quoted(sources[0])));
        target = sources.back();
        sources = sources.first(sources.size() - 1);
    }
    const Result<abi::Stat> stat = stat_file(target);
    const bool into = !line.has('T') && stat && is_directory(*stat);
    if (!into && (sources.size() > 1 || line.has('t'))) {
        const Errno error = stat ? Errno::kENOTDIR : stat.error();
        give_up(1, "target ", quoted(target), ": ", error_sentence(error));
    }
    for (const std::string_view source : sources)
        move(std::string(source), target_of(source, target, into), options);
    return tool_status();
}

}  // namespace halfcell::userland
