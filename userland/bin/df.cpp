// df: shows how full file systems are.

#include <algorithm>
#include <array>
#include <vector>

#include "userland/lib/number.h"
#include "userland/lib/tool.h"
#include "userland/rt/file.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'h', "human-readable", Value::kNone, "", "as 1K 234M 2G"},
    {'k', "", Value::kNone, "", "in units of 1024 bytes (the default)"},
    {'P', "portability", Value::kNone, "", "ignored: a line never wraps"},
};
constexpr Usage kUsage{"df", "[OPTION]... [FILE]...",
                       "Shows the size and the free space of the file system of each FILE (/).", kOptions};

using Row = std::array<std::string, 6>;

// The scheme that serves a resolved path, and the path itself.
std::string scheme_of(std::string_view resolved) {
    constexpr std::string_view kPrefix = "/scheme/";
    if (!resolved.starts_with(kPrefix)) return "file";
    resolved.remove_prefix(kPrefix.size());
    return std::string(resolved.substr(0, resolved.find('/')));
}

Row make_row(std::string_view path, const abi::StatVfs& stat, bool human) {
    const std::uint64_t size = stat.f_blocks * stat.f_bsize;
    const std::uint64_t used = (stat.f_blocks - stat.f_bfree) * stat.f_bsize;
    const std::uint64_t available = stat.f_bavail * stat.f_bsize;
    const auto text = [human](std::uint64_t bytes) {
        return human ? human_size(bytes) : decimal(bytes / 1024 + (bytes % 1024 != 0 ? 1 : 0));
    };
    const std::uint64_t base = used + available;
    const std::uint64_t percent =
        base == 0 ? 0 : (used / 1024 * 100 + base / 1024) / std::max<std::uint64_t>(base / 1024, 1);
    const Result<std::string> resolved = real_path(path);
    const std::string shown = resolved ? *resolved : std::string(path);
    return {scheme_of(shown),
            text(size),
            text(used),
            text(available),
            base == 0 ? std::string("-") : decimal(std::min<std::uint64_t>(percent, 100)) + "%",
            std::string(path)};
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    const bool human = line.has('h');
    std::vector<Row> rows{{"Filesystem", human ? "Size" : "1K-blocks", "Used", human ? "Avail" : "Available",
                           "Use%", "Mounted on"}};
    static constexpr std::string_view kRoot[] = {"/"};
    for (const std::string_view path : line.operands.empty()
                                           ? std::span<const std::string_view>(kRoot)
                                           : std::span<const std::string_view>(line.operands)) {
        const Result<abi::StatVfs> stat = stat_file_system(path);
        if (stat) {
            rows.push_back(make_row(path, *stat, human));
        } else {
            complain_about(path, stat.error());
        }
    }
    if (rows.size() == 1) return 1;
    std::array<std::size_t, 5> widths{};
    for (const Row& row : rows) {
        for (std::size_t i = 0; i < widths.size(); ++i)
            widths[i] = std::max(widths[i], row[i].size());
    }
    for (const Row& row : rows) {
        out().write(pad_right(row[0], widths[0]));
        for (std::size_t i = 1; i < widths.size(); ++i)
            out().print(' ', pad_left(row[i], widths[i]));
        out().print(' ', row[5], '\n');
    }
    return tool_status();
}

}  // namespace halfcell::userland
