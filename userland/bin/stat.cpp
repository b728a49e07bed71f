// stat: shows what is known about files.

#include "userland/lib/calendar.h"
#include "userland/lib/escape.h"
#include "userland/lib/mode.h"
#include "userland/lib/number.h"
#include "userland/lib/tool.h"
#include "userland/lib/user_database.h"
#include "userland/rt/file.h"

namespace halfcell::userland {
namespace {

constexpr int kPrintf = kLongOnly;
constexpr Option kOptions[] = {
    {'c', "format", Value::kRequired, "FORMAT", "print FORMAT and a newline for each file"},
    {'f', "file-system", Value::kNone, "", "about the file system instead of the file"},
    {'L', "dereference", Value::kNone, "", "what links point to"},
    {kPrintf, "printf", Value::kRequired, "FORMAT", "the same with escapes and without a newline"},
};
constexpr Usage kUsage{
    "stat", "[OPTION]... FILE...",
    "Shows what is known about each FILE. In a FORMAT: %n name, %N name and link target, %s size,\n"
    "%b blocks of %B bytes, %o block for transfers, %f raw mode, %a %A permissions, %F type,\n"
    "%u %U owner, %g %G group, %i inode, %h links, %d %D device, %x %X access, %y %Y modification\n"
    "and %z %Z change time, %% a percent sign.",
    kOptions};

std::string time_text(std::uint64_t seconds, std::uint32_t nanoseconds) {
    return format_time("%Y-%m-%d %H:%M:%S.%N +0000", static_cast<std::int64_t>(seconds), nanoseconds);
}

std::string name_with_target(std::string_view path, const abi::Stat& stat) {
    std::string text = quoted(path);
    if (is_symbolic_link(stat)) {
        if (const Result<std::string> target = read_symbolic_link(path))
            text.append(" -> ").append(quoted(*target));
    }
    return text;
}

std::string conversion(char letter, std::string_view path, const abi::Stat& stat) {
    switch (letter) {
        case 'n':
            return std::string(path);
        case 'N':
            return name_with_target(path, stat);
        case 's':
            return decimal(stat.st_size);
        case 'b':
            return decimal(stat.st_blocks);
        case 'B':
            return "512";
        case 'o':
            return decimal(stat.st_blksize);
        case 'f':
            return in_base(stat.st_mode, 16);
        case 'a':
            return in_base(stat.st_mode & 07777, 8);
        case 'A':
            return mode_text(stat.st_mode);
        case 'F':
            return std::string(file_type_text(stat.st_mode, stat.st_size));
        case 'u':
            return decimal(stat.st_uid);
        case 'U':
            return user_name(stat.st_uid);
        case 'g':
            return decimal(stat.st_gid);
        case 'G':
            return group_name(stat.st_gid);
        case 'i':
            return decimal(stat.st_ino);
        case 'h':
            return decimal(stat.st_nlink);
        case 'd':
            return decimal(stat.st_dev);
        case 'D':
            return in_base(stat.st_dev, 16);
        case 'x':
            return time_text(stat.st_atime_sec, stat.st_atime_nsec);
        case 'y':
            return time_text(stat.st_mtime_sec, stat.st_mtime_nsec);
        case 'z':
            return time_text(stat.st_ctime_sec, stat.st_ctime_nsec);
        case 'X':
            return decimal(stat.st_atime_sec);
        case 'Y':
            return decimal(stat.st_mtime_sec);
        case 'Z':
            return decimal(stat.st_ctime_sec);
        case 'w':
            return "-";
        case 'W':
            return "0";
        case 't':
        case 'T':
            return "0";
        case '%':
            return "%";
        default:
            return "?";
    }
}

// "%[-0][width]LETTER" among other text.
std::string expand(std::string_view format, std::string_view path, const abi::Stat& stat) {
    std::string text;
    for (std::size_t at = 0; at < format.size(); ++at) {
        if (format[at] != '%' || at + 1 == format.size()) {
            text.push_back(format[at]);
            continue;
        }
        ++at;
        bool left = false;
        char fill = ' ';
        for (; at + 1 < format.size() && (format[at] == '-' || format[at] == '0'); ++at) {
            if (format[at] == '-') left = true;
            if (format[at] == '0') fill = '0';
        }
        std::size_t width = 0;
        for (; at + 1 < format.size() && format[at] >= '0' && format[at] <= '9'; ++at) {
            width = width * 10 + static_cast<std::size_t>(format[at] - '0');
        }
        const std::string value = conversion(format[at], path, stat);
        text.append(left ? pad_right(value, width) : pad_left(value, width, fill));
    }
    return text;
}

constexpr std::string_view kDefaultFormat =
    "  File: %N\n  Size: %-10s\tBlocks: %-10b IO Block: %-6o %F\n"
    "Device: %Dh/%dd\tInode: %-10i  Links: %h\n"
    "Access: (%04a/%A)  Uid: (%5u/%8U)   Gid: (%5g/%8G)\n"
    "Access: %x\nModify: %y\nChange: %z\n Birth: -";

void print_file_system(std::string_view path) {
    const Result<abi::StatVfs> stat = stat_file_system(path);
    if (!stat) {
        complain("cannot read file system information for ", quoted(path), ": ",
                 error_sentence(stat.error()));
        return;
    }
    out().print("  File: ", quoted(path), "\nBlock size: ", stat->f_bsize,
                "\nBlocks: Total: ", stat->f_blocks, " Free: ", stat->f_bfree, " Available: ", stat->f_bavail,
                '\n');
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    check_operand_count(line, 1);
    std::string format(line.value_of('c', kDefaultFormat));
    format.push_back('\n');
    if (line.has(kPrintf)) format = unescape(line.value_of(kPrintf), OctalStyle::kPlain).text;
    for (const std::string_view path : line.operands) {
        if (line.has('f')) {
            print_file_system(path);
            continue;
        }
        const Result<abi::Stat> stat =
            path == "-" ? sys_fstat(Fd::kStdin)
                        : stat_file(path, line.has('L') ? FollowLinks::kYes : FollowLinks::kNo);
        if (!stat) {
            complain("cannot stat ", quoted(path), ": ", error_sentence(stat.error()));
            continue;
        }
        std::string text = expand(format, path, *stat);
        out().write(text);
    }
    return tool_status();
}

}  // namespace halfcell::userland
