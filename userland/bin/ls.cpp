// ls: lists directories.

#include <algorithm>
#include <vector>

#include "userland/lib/listing.h"
#include "userland/lib/number.h"
#include "userland/lib/tool.h"
#include "userland/rt/directory.h"
#include "userland/rt/file.h"
#include "userland/rt/path.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'1', "", Value::kNone, "", "one name a line"},
    {'a', "all", Value::kNone, "", "names that start with '.' too"},
    {'A', "almost-all", Value::kNone, "", "the same without . and .."},
    {'C', "", Value::kNone, "", "in columns"},
    {'d', "directory", Value::kNone, "", "directories themselves, not what is in them"},
    {'F', "classify", Value::kNone, "", "mark directories / links @ programs *"},
    {'g', "", Value::kNone, "", "like -l without the owner"},
    {'h', "human-readable", Value::kNone, "", "sizes as 1K 234M 2G"},
    {'i', "inode", Value::kNone, "", "the inode number of each file"},
    {'l', "", Value::kNone, "", "mode, links, owner, size and time of each file"},
    {'L', "dereference", Value::kNone, "", "what links point to"},
    {'n', "numeric-uid-gid", Value::kNone, "", "like -l with numbers for users and groups"},
    {'o', "", Value::kNone, "", "like -l without the group"},
    {'p', "", Value::kNone, "", "mark directories /"},
    {'r', "reverse", Value::kNone, "", "the other way round"},
    {'R', "recursive", Value::kNone, "", "directories in directories too"},
    {'s', "size", Value::kNone, "", "the blocks each file uses"},
    {'S', "", Value::kNone, "", "sorted by size, largest first"},
    {'t', "", Value::kNone, "", "sorted by time, newest first"},
    {'u', "", Value::kNone, "", "with the access time"},
    {'U', "", Value::kNone, "", "not sorted"},
    {'v', "", Value::kNone, "", "sorted with numbers in names as numbers"},
    {'X', "", Value::kNone, "", "sorted by extension"},
};
constexpr Usage kUsage{
    "ls", "[OPTION]... [FILE]...",
    "Lists the FILEs (the working directory), sorted by name; what is in them for directories.", kOptions, 2};

EntryKind kind_of(const abi::Stat& stat) {
    if (is_directory(stat)) return EntryKind::kDirectory;
    if (is_regular(stat)) return EntryKind::kRegular;
    return is_symbolic_link(stat) ? EntryKind::kSymbolicLink : EntryKind::kOther;
}

ListStyle read_style(const CommandLine& line) {
    ListStyle style;
    bool one_column = !is_terminal(Fd::kStdout);
    for (const GivenOption& option : line.options) {
        switch (option.id) {
            case '1':
                one_column = true;
                break;
            case 'C':
                one_column = false;
                style.details = false;
                break;
            case 'a':
                style.all = true;
                break;
            case 'A':
                style.almost_all = true;
                break;
            case 'd':
                style.directories_as_files = true;
                break;
            case 'F':
                style.classify = true;
                break;
            case 'g':
                style.details = true;
                style.owner = false;
                break;
            case 'h':
                style.human = true;
                break;
            case 'i':
                style.inode = true;
                break;
            case 'l':
                style.details = true;
                break;
            case 'L':
                style.follow = true;
                break;
            case 'n':
                style.details = style.numeric = true;
                break;
            case 'o':
                style.details = true;
                style.group = false;
                break;
            case 'p':
                style.slash = true;
                break;
            case 'r':
                style.reverse = true;
                break;
            case 'R':
                style.recursive = true;
                break;
            case 's':
                style.blocks = true;
                break;
            case 'u':
                style.access_time = true;
                break;
            default:
                style.sort = static_cast<char>(option.id);
                break;
        }
    }
    style.columns = !one_column && !style.details;
    return style;
}

class Lister {
  public:
    explicit Lister(const ListStyle& style) : style_(style), printer_(style) {}

    void list_operands(std::span<const std::string_view> operands) {
        std::vector<ListItem> files;
        std::vector<ListItem> directories;
        for (const std::string_view path : operands) {
            ListItem item;
            item.name = item.path = path;
            if (!load_operand(item)) continue;
            const bool enter = item.directory() && !style_.directories_as_files;
            (enter ? directories : files).push_back(std::move(item));
        }
        sort(files);
        sort(directories);
        printer_.print(files);
        const bool headers = operands.size() > 1 || style_.recursive;
        bool first = files.empty();
        for (const ListItem& directory : directories)
            list_directory(directory.path, headers, first);
    }

  private:
    // Links among the operands are followed unless the list shows them as links.
    bool load_operand(ListItem& item) {
        const bool as_link =
            (style_.details || style_.directories_as_files || style_.classify) && !style_.follow;
        Result<abi::Stat> stat = stat_file(item.path, as_link ? FollowLinks::kNo : FollowLinks::kYes);
        if (!stat && !as_link) stat = stat_file(item.path, FollowLinks::kNo);
        if (!stat) {
            complain("cannot access ", quoted(item.path), ": ", error_sentence(stat.error()));
            set_tool_status(2);
            return false;
        }
        item.stat = *stat;
        item.kind = kind_of(*stat);
        return true;
    }

    // Looks at a listed entry as far as the options need. Schemes may list what they do not describe, and the
    // list of schemes has what cannot be opened: that is shown, and no error.
    void load(ListItem& item, bool in_scheme_list) {
        if (!style_.needs_stat() && !(style_.needs_kind() && item.kind == EntryKind::kUnknown)) return;
        Result<abi::Stat> stat = stat_file(item.path, style_.follow ? FollowLinks::kYes : FollowLinks::kNo);
        if (!stat && style_.follow) stat = stat_file(item.path, FollowLinks::kNo);
        // A file that may only be written (sys:kstop) does not even let itself be looked at, with this error.
        if (!stat && stat.error() == Errno::kEISDIR && item.kind == EntryKind::kRegular) {
            constexpr std::uint16_t kOwnerMayWrite = 0200;
            stat = abi::Stat{};
            stat->st_mode = abi::Mode::kFile | kOwnerMayWrite;
            stat->st_nlink = 1;
        }
        if (stat) {
            item.stat = *stat;
            item.kind = kind_of(*stat);
            return;
        }
        const Errno error = stat.error();
        item.unknown = true;
        item.scheme = in_scheme_list;
        if (!in_scheme_list && error != Errno::kEBADF && error != Errno::kEOPNOTSUPP) {
            complain("cannot access ", quoted(item.path), ": ", error_sentence(error));
        }
    }

    bool hidden(std::string_view name) const {
        return name.starts_with('.') && !style_.all && !style_.almost_all;
    }

    void list_directory(const std::string& path, bool header, bool& first) {
        Result<std::vector<DirectoryEntry>> entries = read_directory(path);
        if (!entries) {
            complain("cannot open directory ", quoted(path), ": ", error_sentence(entries.error()));
            set_tool_status(2);
            return;
        }
        std::vector<ListItem> items;
        if (style_.all) {
            for (const std::string_view name : {".", ".."}) {
                items.push_back({std::string(name), join_path(path, name), {}, EntryKind::kDirectory, false});
            }
        }
        for (DirectoryEntry& entry : *entries) {
            if (hidden(entry.name)) continue;
            std::string child = join_path(path, entry.name);
            items.push_back({std::move(entry.name), std::move(child), {}, entry.kind, false});
        }
        const bool in_scheme_list = canonical_path(process().working_directory, path) == "/scheme";
        for (ListItem& item : items)
            load(item, in_scheme_list);
        sort(items);
        if (!first) out().put('\n');
        first = false;
        if (header) out().print(path, ":\n");
        if (style_.details || style_.blocks) printer_.print_total(items);
        printer_.print(items);
        if (!style_.recursive) return;
        for (const ListItem& item : items) {
            if (item.directory() && item.name != "." && item.name != "..")
                list_directory(item.path, true, first);
        }
    }

    static std::string_view extension(std::string_view name) {
        const std::size_t dot = name.rfind('.');
        return dot == std::string_view::npos || dot == 0 ? std::string_view() : name.substr(dot);
    }

    bool before(const ListItem& a, const ListItem& b) const {
        switch (style_.sort) {
            case 'S':
                if (a.stat.st_size != b.stat.st_size) return a.stat.st_size > b.stat.st_size;
                break;
            case 't': {
                const auto time = [this](const ListItem& item) {
                    const abi::Stat& stat = item.stat;
                    return style_.access_time ? std::pair(stat.st_atime_sec, stat.st_atime_nsec)
                                              : std::pair(stat.st_mtime_sec, stat.st_mtime_nsec);
                };
                if (time(a) != time(b)) return time(a) > time(b);
                break;
            }
            case 'v':
                return compare_versions(a.name, b.name) < 0;
            case 'X':
                if (extension(a.name) != extension(b.name)) return extension(a.name) < extension(b.name);
                break;
            default:
                break;
        }
        return a.name < b.name;
    }

    void sort(std::vector<ListItem>& items) const {
        if (style_.sort == 'U') return;
        std::sort(items.begin(), items.end(), [this](const ListItem& a, const ListItem& b) {
            return style_.reverse ? before(b, a) : before(a, b);
        });
    }

    ListStyle style_;
    ListPrinter printer_;
};

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    static constexpr std::string_view kHere[] = {"."};
    Lister lister(read_style(line));
    lister.list_operands(line.operands.empty() ? std::span<const std::string_view>(kHere)
                                               : std::span<const std::string_view>(line.operands));
    return tool_status();
}

}  // namespace halfcell::userland
