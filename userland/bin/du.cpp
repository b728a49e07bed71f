// du: sums up the space files use.

#include <algorithm>
#include <vector>

#include "userland/lib/number.h"
#include "userland/lib/tool.h"
#include "userland/rt/directory.h"
#include "userland/rt/file.h"
#include "userland/rt/path.h"

namespace halfcell::userland {
namespace {

constexpr int kApparent = kLongOnly;
constexpr Option kOptions[] = {
    {'a', "all", Value::kNone, "", "show files too, not only directories"},
    {kApparent, "apparent-size", Value::kNone, "", "sizes instead of used space"},
    {'b', "bytes", Value::kNone, "", "sizes in bytes"},
    {'c', "total", Value::kNone, "", "a grand total"},
    {'d', "max-depth", Value::kRequired, "N", "show only what is at most N levels below"},
    {'h', "human-readable", Value::kNone, "", "as 1K 234M 2G"},
    {'k', "", Value::kNone, "", "in units of 1024 bytes (the default)"},
    {'l', "count-links", Value::kNone, "", "count a file once for each of its names"},
    {'L', "dereference", Value::kNone, "", "follow symbolic links"},
    {'m', "", Value::kNone, "", "in units of a mebibyte"},
    {'s', "summarize", Value::kNone, "", "only a total for each operand"},
};
constexpr Usage kUsage{"du", "[OPTION]... [FILE]...",
                       "Shows how much space each FILE (.) and the directories in it use.", kOptions};

struct Identity {
    std::uint64_t device;
    std::uint64_t inode;
    auto operator<=>(const Identity&) const = default;
};

class Summer {
  public:
    explicit Summer(const CommandLine& line) : line_(line), apparent_(line.has('b') || line.has(kApparent)) {
        if (line.has('b')) unit_ = 1;
        if (line.has('m')) unit_ = 1024 * 1024;
        if (line.has('s')) depth_ = 0;
        if (line.has('d')) {
            const auto depth = parse_unsigned(line.value_of('d'));
            if (!depth) usage_error(concat("invalid maximum depth ", quoted(line.value_of('d'))));
            depth_ = *depth;
        }
    }

    // Bytes used by a file or a tree; shows it where it is to be shown.
    std::uint64_t sum(const std::string& path, std::uint64_t level) {
        const Result<abi::Stat> stat = stat_file(path, line_.has('L') ? FollowLinks::kYes : FollowLinks::kNo);
        if (!stat) {
            complain("cannot access ", quoted(path), ": ", error_sentence(stat.error()));
            return 0;
        }
        const bool directory = is_directory(*stat);
        if (!directory && !line_.has('l') && stat->st_nlink > 1 && !first_name(*stat)) return 0;
        std::uint64_t total = apparent_ ? stat->st_size : stat->st_blocks * 512;
        if (directory) total += sum_contents(path, level);
        if (level == 0 || (level <= depth_ && (directory || line_.has('a')))) show(total, path);
        return total;
    }

    void show(std::uint64_t bytes, std::string_view name) const {
        const std::string text =
            line_.has('h') ? human_size(bytes) : decimal(bytes / unit_ + (bytes % unit_ != 0 ? 1 : 0));
        out().print(text, '\t', name, '\n');
    }

  private:
    std::uint64_t sum_contents(const std::string& path, std::uint64_t level) {
        const Result<std::vector<DirectoryEntry>> entries = read_directory_sorted(path);
        if (!entries) {
            complain("cannot read directory ", quoted(path), ": ", error_sentence(entries.error()));
            return 0;
        }
        std::uint64_t total = 0;
        for (const DirectoryEntry& entry : *entries)
            total += sum(join_path(path, entry.name), level + 1);
        return total;
    }

    bool first_name(const abi::Stat& stat) {
        const Identity identity{stat.st_dev, stat.st_ino};
        const auto at = std::lower_bound(seen_.begin(), seen_.end(), identity);
        if (at != seen_.end() && *at == identity) return false;
        seen_.insert(at, identity);
        return true;
    }

    const CommandLine& line_;
    bool apparent_;
    std::uint64_t unit_ = 1024;
    std::uint64_t depth_ = ~std::uint64_t{0};
    std::vector<Identity> seen_;  // Files with several names, sorted.
};

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    Summer summer(line);
    static constexpr std::string_view kHere[] = {"."};
    std::uint64_t total = 0;
    for (const std::string_view path : line.operands.empty()
                                           ? std::span<const std::string_view>(kHere)
                                           : std::span<const std::string_view>(line.operands)) {
        total += summer.sum(std::string(path), 0);
    }
    if (line.has('c')) summer.show(total, "total");
    return tool_status();
}

}  // namespace halfcell::userland
