// ls: lists directories.

#include <algorithm>
#include <vector>

#include "userland/lib/calendar.h"
#include "userland/lib/mode.h"
#include "userland/lib/number.h"
#include "userland/lib/tool.h"
#include "userland/lib/user_database.h"
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

struct Style {
    bool all = false, almost_all = false, directories_as_files = false, classify = false, slash = false;
    bool human = false, inode = false, details = false, numeric = false, owner = true, group = true;
    bool reverse = false, recursive = false, blocks = false, follow = false, access_time = false;
    bool columns = false;
    char sort = 0;  // 'S' 't' 'U' 'v' 'X' or 0 for names
    bool needs_stat() const {
        return details || inode || blocks || sort == 'S' || sort == 't' || classify || follow;
    }
};

struct Item {
    std::string name;
    std::string path;
    abi::Stat stat{};
    EntryKind kind = EntryKind::kUnknown;
    bool directory() const { return kind == EntryKind::kDirectory; }
};

EntryKind kind_of(const abi::Stat& stat) {
    if (is_directory(stat)) return EntryKind::kDirectory;
    if (is_regular(stat)) return EntryKind::kRegular;
    return is_symbolic_link(stat) ? EntryKind::kSymbolicLink : EntryKind::kOther;
}

Style read_style(const CommandLine& line) {
    Style style;
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
    explicit Lister(const Style& style) : style_(style) {
        const Result<abi::TimeSpec> clock = sys_clock_gettime(abi::Clock::kRealtime);
        now_ = clock ? clock->tv_sec : 0;
    }

    void list_operands(std::span<const std::string_view> operands) {
        std::vector<Item> files;
        std::vector<Item> directories;
        for (const std::string_view path : operands) {
            Item item;
            item.name = item.path = path;
            if (!load_operand(item)) continue;
            const bool enter = item.directory() && !style_.directories_as_files;
            (enter ? directories : files).push_back(std::move(item));
        }
        sort(files);
        sort(directories);
        print(files);
        const bool headers = operands.size() > 1 || style_.recursive;
        bool first = files.empty();
        for (const Item& directory : directories)
            list_directory(directory.path, headers, first);
    }

  private:
    // Links among the operands are followed unless the list shows them as links.
    bool load_operand(Item& item) {
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

    bool load(Item& item) {
        if (!style_.needs_stat() && item.kind != EntryKind::kUnknown) return true;
        Result<abi::Stat> stat = stat_file(item.path, style_.follow ? FollowLinks::kYes : FollowLinks::kNo);
        if (!stat && style_.follow) stat = stat_file(item.path, FollowLinks::kNo);
        // A file that may only be written (sys:kstop) does not even let itself be looked at, with this error.
        if (!stat && stat.error() == Errno::kEISDIR && item.kind == EntryKind::kRegular) {
            constexpr std::uint16_t kOwnerMayWrite = 0200;
            stat = abi::Stat{};
            stat->st_mode = abi::Mode::kFile | kOwnerMayWrite;
            stat->st_nlink = 1;
        }
        if (!stat) {
            complain("cannot access ", quoted(item.path), ": ", error_sentence(stat.error()));
            return false;
        }
        item.stat = *stat;
        item.kind = kind_of(*stat);
        return true;
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
        std::vector<Item> items;
        if (style_.all) {
            for (const std::string_view name : {".", ".."}) {
                items.push_back({std::string(name), join_path(path, name), {}, EntryKind::kDirectory});
            }
        }
        for (DirectoryEntry& entry : *entries) {
            if (hidden(entry.name)) continue;
            std::string child = join_path(path, entry.name);
            items.push_back({std::move(entry.name), std::move(child), {}, entry.kind});
        }
        std::erase_if(items, [this](Item& item) { return !load(item); });
        sort(items);
        if (!first) out().put('\n');
        first = false;
        if (header) out().print(path, ":\n");
        if (style_.details || style_.blocks) print_total(items);
        print(items);
        if (!style_.recursive) return;
        for (const Item& item : items) {
            if (item.directory() && item.name != "." && item.name != "..")
                list_directory(item.path, true, first);
        }
    }

    static std::string_view extension(std::string_view name) {
        const std::size_t dot = name.rfind('.');
        return dot == std::string_view::npos || dot == 0 ? std::string_view() : name.substr(dot);
    }

    bool before(const Item& a, const Item& b) const {
        switch (style_.sort) {
            case 'S':
                if (a.stat.st_size != b.stat.st_size) return a.stat.st_size > b.stat.st_size;
                break;
            case 't': {
                const auto time = [this](const Item& item) {
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

    void sort(std::vector<Item>& items) const {
        if (style_.sort == 'U') return;
        std::sort(items.begin(), items.end(), [this](const Item& a, const Item& b) {
            return style_.reverse ? before(b, a) : before(a, b);
        });
    }

    static std::uint64_t kibibytes(const abi::Stat& stat) { return (stat.st_blocks + 1) / 2; }
    std::string size_text(std::uint64_t bytes) const {
        return style_.human ? human_size(bytes) : decimal(bytes);
    }
    std::string blocks_text(const abi::Stat& stat) const {
        return style_.human ? human_size(stat.st_blocks * 512) : decimal(kibibytes(stat));
    }

    void print_total(const std::vector<Item>& items) const {
        std::uint64_t blocks = 0;
        for (const Item& item : items)
            blocks += item.stat.st_blocks;
        abi::Stat sum{};
        sum.st_blocks = blocks;
        out().print("total ", blocks_text(sum), '\n');
    }

    std::string_view mark(const Item& item) const {
        if (item.directory() && (style_.classify || style_.slash)) return "/";
        if (!style_.classify) return "";
        if (item.kind == EntryKind::kSymbolicLink) return style_.details ? "" : "@";
        if ((item.stat.st_mode & abi::Mode::kType) == abi::Mode::kFifo) return "|";
        if ((item.stat.st_mode & abi::Mode::kType) == abi::Mode::kSock) return "=";
        return item.kind == EntryKind::kRegular && (item.stat.st_mode & 0111) != 0 ? "*" : "";
    }

    std::string owner_text(const abi::Stat& stat) const {
        return style_.numeric ? decimal(stat.st_uid) : user_name(stat.st_uid);
    }
    std::string group_text(const abi::Stat& stat) const {
        return style_.numeric ? decimal(stat.st_gid) : group_name(stat.st_gid);
    }

    std::string time_text(const abi::Stat& stat) const {
        constexpr std::int64_t kHalfYear = 31556952 / 2;
        const auto time =
            static_cast<std::int64_t>(style_.access_time ? stat.st_atime_sec : stat.st_mtime_sec);
        const bool recent = time > now_ - kHalfYear && time <= now_;
        return format_time(recent ? "%b %e %H:%M" : "%b %e  %Y", time, 0);
    }

    void print(const std::vector<Item>& items) const {
        if (items.empty()) return;
        std::size_t inode = 0, blocks = 0, links = 0, owner = 0, group = 0, size = 0;
        for (const Item& item : items) {
            inode = std::max(inode, decimal(item.stat.st_ino).size());
            blocks = std::max(blocks, blocks_text(item.stat).size());
            if (!style_.details) continue;
            links = std::max(links, decimal(item.stat.st_nlink).size());
            owner = std::max(owner, owner_text(item.stat).size());
            group = std::max(group, group_text(item.stat).size());
            size = std::max(size, size_text(item.stat.st_size).size());
        }
        std::vector<std::string> lines;
        for (const Item& item : items) {
            std::string line;
            if (style_.inode) line.append(pad_left(decimal(item.stat.st_ino), inode)).append(" ");
            if (style_.blocks) line.append(pad_left(blocks_text(item.stat), blocks)).append(" ");
            if (style_.details) {
                line.append(mode_text(item.stat.st_mode)).append(" ");
                line.append(pad_left(decimal(item.stat.st_nlink), links)).append(" ");
                if (style_.owner) line.append(pad_right(owner_text(item.stat), owner)).append(" ");
                if (style_.group) line.append(pad_right(group_text(item.stat), group)).append(" ");
                line.append(pad_left(size_text(item.stat.st_size), size)).append(" ");
                line.append(time_text(item.stat)).append(" ");
            }
            line.append(item.name).append(mark(item));
            if (style_.details && item.kind == EntryKind::kSymbolicLink) {
                if (const Result<std::string> target = read_symbolic_link(item.path)) {
                    line.append(" -> ").append(*target);
                }
            }
            lines.push_back(std::move(line));
        }
        print_lines(lines);
    }

    void print_lines(const std::vector<std::string>& lines) const {
        if (!style_.columns) {
            for (const std::string& line : lines)
                out().print(line, '\n');
            return;
        }
        std::size_t width = 0;
        for (const std::string& line : lines)
            width = std::max(width, line.size() + 2);
        const std::size_t screen = parse_unsigned(environment_variable("COLUMNS")).value_or(80);
        const std::size_t columns = std::max<std::size_t>(1, screen / width);
        const std::size_t rows = (lines.size() + columns - 1) / columns;
        for (std::size_t row = 0; row < rows; ++row) {
            for (std::size_t at = row; at < lines.size(); at += rows) {
                const bool last = at + rows >= lines.size();
                out().write(last ? lines[at] : pad_right(lines[at], width));
            }
            out().put('\n');
        }
    }

    Style style_;
    std::int64_t now_ = 0;
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
