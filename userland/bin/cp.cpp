// cp: copies files and directories.

#include "userland/lib/copy.h"
#include "userland/lib/tool.h"
#include "userland/rt/file.h"
#include "userland/rt/path.h"

namespace halfcell::userland {
namespace {

constexpr int kPreserve = kLongOnly;
constexpr int kNoPreserve = kLongOnly + 1;
constexpr Option kOptions[] = {
    {'a', "archive", Value::kNone, "", "same as -dR and all attributes kept"},
    {'d', "", Value::kNone, "", "keep symbolic and hard links"},
    {'f', "force", Value::kNone, "", "replace a target that cannot be opened"},
    {'H', "", Value::kNone, "", "follow symbolic links among the operands"},
    {'i', "interactive", Value::kNone, "", "ask before overwriting"},
    {'l', "link", Value::kNone, "", "make hard links instead of copying"},
    {'L', "dereference", Value::kNone, "", "follow all symbolic links"},
    {'n', "no-clobber", Value::kNone, "", "never overwrite"},
    {'P', "no-dereference", Value::kNone, "", "copy symbolic links as such"},
    {'p', "", Value::kNone, "", "keep mode, owner and times"},
    {kPreserve, "preserve", Value::kOptional, "LIST", "keep mode,ownership,timestamps,links or all"},
    {kNoPreserve, "no-preserve", Value::kRequired, "LIST", "do not keep these"},
    {'r', "", Value::kNone, "", "same as -R"},
    {'R', "recursive", Value::kNone, "", "copy directories and all in them"},
    {'s', "symbolic-link", Value::kNone, "", "make symbolic links instead of copying"},
    {'t', "target-directory", Value::kRequired, "DIR", "copy all operands into DIR"},
    {'T', "no-target-directory", Value::kNone, "", "the last operand is the copy itself, not a place for it"},
    {'u', "update", Value::kNone, "", "only where the source is newer or the target missing"},
    {'v', "verbose", Value::kNone, "", "say what is copied"},
    {'x', "one-file-system", Value::kNone, "", ""},
};
constexpr Usage kUsage{"cp", "[OPTION]... SOURCE... TARGET",
                       "Copies SOURCE to TARGET, or each SOURCE into the directory TARGET.", kOptions};

void set_kept(CopyOptions& options, std::string_view list, bool kept) {
    for (;;) {
        const std::size_t comma = list.find(',');
        const std::string_view word = list.substr(0, comma);
        const bool all = word == "all";
        if (all || word == "mode") options.keep_mode = kept;
        if (all || word == "ownership") options.keep_owner = kept;
        if (all || word == "timestamps") options.keep_times = kept;
        if (all || word == "links") options.keep_links = kept;
        if (comma == std::string_view::npos) return;
        list.remove_prefix(comma + 1);
    }
}

CopyOptions read_options(const CommandLine& line) {
    using Links = CopyOptions::Links;
    CopyOptions options;
    bool links_chosen = false;
    const auto choose = [&](Links links) {
        options.links = links;
        links_chosen = true;
    };
    for (const GivenOption& option : line.options) {
        switch (option.id) {
            case 'a':
                options.recursive = true;
                set_kept(options, "all", true);
                choose(Links::kKeep);
                break;
            case 'd':
                options.keep_links = true;
                choose(Links::kKeep);
                break;
            case 'f':
                options.force = true;
                break;
            case 'H':
                choose(Links::kFollowOperands);
                break;
            case 'i':
                options.interactive = true;
                options.no_clobber = false;
                break;
            case 'l':
                options.hard_links = true;
                break;
            case 'L':
                choose(Links::kFollow);
                break;
            case 'n':
                options.no_clobber = true;
                options.interactive = false;
                break;
            case 'P':
                choose(Links::kKeep);
                break;
            case 'p':
                set_kept(options, "mode,ownership,timestamps", true);
                break;
            case kPreserve:
                set_kept(options, option.has_value ? option.value : "mode,ownership,timestamps", true);
                break;
            case kNoPreserve:
                set_kept(options, option.value, false);
                break;
            case 'r':
            case 'R':
                options.recursive = true;
                break;
            case 's':
                options.symbolic_links = true;
                break;
            case 'u':
                options.update = true;
                break;
            case 'v':
                options.verbose = true;
                break;
            default:
                break;
        }
    }
    // A copied tree keeps its links, a copied file is what its link points to.
    if (!links_chosen && options.recursive) options.links = Links::kKeep;
    return options;
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
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
    Copier copier(read_options(line));
    for (const std::string_view source : sources) {
        (void)copier.copy(std::string(source), target_of(source, target, into));
    }
    return tool_status();
}

}  // namespace halfcell::userland
