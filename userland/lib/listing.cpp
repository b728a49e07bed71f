#include "userland/lib/listing.h"

#include <algorithm>

#include "userland/lib/calendar.h"
#include "userland/lib/mode.h"
#include "userland/lib/number.h"
#include "userland/lib/user_database.h"
#include "userland/rt/file.h"
#include "userland/rt/output.h"
#include "userland/rt/process.h"

namespace halfcell::userland {

ListPrinter::ListPrinter(const ListStyle& style) : style_(style) {
    const Result<abi::TimeSpec> clock = sys_clock_gettime(abi::Clock::kRealtime);
    now_ = clock ? clock->tv_sec : 0;
}

std::string ListPrinter::size_text(std::uint64_t bytes) const {
    return style_.human ? human_size(bytes) : decimal(bytes);
}

// Blocks are units of 512 bytes, shown in units of 1024.
std::string ListPrinter::blocks_text(std::uint64_t blocks) const {
    return style_.human ? human_size(blocks * 512) : decimal((blocks + 1) / 2);
}

void ListPrinter::print_total(const std::vector<ListItem>& items) const {
    std::uint64_t blocks = 0;
    for (const ListItem& item : items)
        blocks += item.stat.st_blocks;
    out().print("total ", blocks_text(blocks), '\n');
}

std::string_view ListPrinter::mark(const ListItem& item) const {
    if (item.directory() && (style_.classify || style_.slash)) return "/";
    if (!style_.classify) return "";
    if (item.kind == EntryKind::kSymbolicLink) return style_.details ? "" : "@";
    if ((item.stat.st_mode & abi::Mode::kType) == abi::Mode::kFifo) return "|";
    if ((item.stat.st_mode & abi::Mode::kType) == abi::Mode::kSock) return "=";
    return item.kind == EntryKind::kRegular && (item.stat.st_mode & 0111) != 0 ? "*" : "";
}

std::string ListPrinter::time_text(const abi::Stat& stat) const {
    constexpr std::int64_t kHalfYear = 31556952 / 2;
    const auto time = static_cast<std::int64_t>(style_.access_time ? stat.st_atime_sec : stat.st_mtime_sec);
    const bool recent = time > now_ - kHalfYear && time <= now_;
    return format_time(recent ? "%b %e %H:%M" : "%b %e  %Y", time, 0);
}

ListPrinter::Row ListPrinter::make_row(const ListItem& item) const {
    const abi::Stat& stat = item.stat;
    Row row;
    row.name = item.name;
    row.name.append(mark(item));
    if (item.unknown && item.scheme) {
        row.inode = row.blocks = row.links = row.owner = row.group = row.size = "-";
        row.mode = "scheme    ";
        row.time = "           -";
        return row;
    }
    if (item.unknown) {
        row.inode = row.blocks = row.links = row.owner = row.group = row.size = "?";
        row.mode = "??????????";
        row.time = "           ?";
        return row;
    }
    if (style_.inode) row.inode = decimal(stat.st_ino);
    if (style_.blocks) row.blocks = blocks_text(stat.st_blocks);
    if (!style_.details) return row;
    row.mode = mode_text(stat.st_mode);
    row.links = decimal(stat.st_nlink);
    row.owner = style_.numeric ? decimal(stat.st_uid) : user_name(stat.st_uid);
    row.group = style_.numeric ? decimal(stat.st_gid) : group_name(stat.st_gid);
    row.size = size_text(stat.st_size);
    row.time = time_text(stat);
    if (item.kind == EntryKind::kSymbolicLink) {
        if (const Result<std::string> target = read_symbolic_link(item.path))
            row.name.append(" -> ").append(*target);
    }
    return row;
}

void ListPrinter::print(const std::vector<ListItem>& items) const {
    if (items.empty()) return;
    std::vector<Row> rows;
    for (const ListItem& item : items)
        rows.push_back(make_row(item));
    const auto width = [&rows](std::string Row::*column) {
        std::size_t most = 0;
        for (const Row& row : rows)
            most = std::max(most, (row.*column).size());
        return most;
    };
    const std::size_t inode = width(&Row::inode);
    const std::size_t blocks = width(&Row::blocks);
    const std::size_t links = width(&Row::links);
    const std::size_t owner = width(&Row::owner);
    const std::size_t group = width(&Row::group);
    const std::size_t size = width(&Row::size);
    std::vector<std::string> lines;
    for (const Row& row : rows) {
        std::string line;
        if (style_.inode) line.append(pad_left(row.inode, inode)).append(" ");
        if (style_.blocks) line.append(pad_left(row.blocks, blocks)).append(" ");
        if (style_.details) {
            line.append(row.mode).append(" ").append(pad_left(row.links, links)).append(" ");
            if (style_.owner) line.append(pad_right(row.owner, owner)).append(" ");
            if (style_.group) line.append(pad_right(row.group, group)).append(" ");
            line.append(pad_left(row.size, size)).append(" ").append(row.time).append(" ");
        }
        lines.push_back(line.append(row.name));
    }
    print_lines(lines);
}

void ListPrinter::print_lines(const std::vector<std::string>& lines) const {
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

}  // namespace halfcell::userland
