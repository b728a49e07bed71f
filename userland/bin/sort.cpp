// sort: orders lines.

#include <algorithm>
#include <vector>

#include "userland/lib/sort_key.h"
#include "userland/lib/tool.h"
#include "userland/rt/file.h"
#include "userland/rt/input.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'b', "ignore-leading-blanks", Value::kNone, "", "blanks in front of a key do not count"},
    {'c', "check", Value::kOptional, "HOW", "only check the order; complain about the first line out of it"},
    {'C', "", Value::kNone, "", "the same without the complaint"},
    {'d', "dictionary-order", Value::kNone, "", "only blanks, letters and digits count"},
    {'f', "ignore-case", Value::kNone, "", "small letters count as capitals"},
    {'g', "general-numeric-sort", Value::kNone, "", "same as -n"},
    {'h', "human-numeric-sort", Value::kNone, "", "numbers with units: 2K before 1M"},
    {'i', "ignore-nonprinting", Value::kNone, "", "only printable characters count"},
    {'k', "key", Value::kRequired, "KEY", "by F[.C][OPTS][,F[.C][OPTS]]: field F, character C to there"},
    {'M', "month-sort", Value::kNone, "", "by names of months"},
    {'m', "merge", Value::kNone, "", "the files are sorted already"},
    {'n', "numeric-sort", Value::kNone, "", "by the number at the beginning"},
    {'o', "output", Value::kRequired, "FILE", "write to FILE, which may be one that is read"},
    {'r', "reverse", Value::kNone, "", "the other way round"},
    {'s', "stable", Value::kNone, "", "lines with equal keys keep their order"},
    {'t', "field-separator", Value::kRequired, "SEP", "fields end at SEP instead of at blanks"},
    {'u', "unique", Value::kNone, "", "one of the lines with equal keys"},
    {'V', "version-sort", Value::kNone, "", "numbers within text as numbers"},
    {'z', "zero-terminated", Value::kNone, "", "lines end in NUL"},
};
constexpr Usage kUsage{"sort", "[OPTION]... [FILE]...",
                       "Writes the lines of all FILEs in order. No FILE, or -, is standard input.", kOptions,
                       2};

struct Settings {
    std::vector<SortKey> keys;
    SortFlags flags;
    std::optional<char> separator;
    bool stable = false;
    bool unique = false;
    bool check = false;
    bool quiet_check = false;
    char delimiter = '\n';
};

char parse_separator(std::string_view text) {
    if (text == "\\0") return '\0';
    if (text.size() != 1) give_up(2, text.empty() ? "empty tab" : "multi-character tab ", quoted(text));
    return text[0];
}

Settings read_settings(const CommandLine& line) {
    Settings settings;
    for (const GivenOption& option : line.options) {
        switch (option.id) {
            case 'c':
                settings.check = true;
                settings.quiet_check = option.value == "quiet" || option.value == "silent";
                break;
            case 'C':
                settings.check = settings.quiet_check = true;
                break;
            case 'k': {
                std::string error;
                const auto key = parse_sort_key(option.value, error);
                if (!key) give_up(2, error);
                settings.keys.push_back(*key);
                break;
            }
            case 's':
                settings.stable = true;
                break;
            case 't':
                settings.separator = parse_separator(option.value);
                break;
            case 'u':
                settings.unique = true;
                break;
            case 'z':
                settings.delimiter = '\0';
                break;
            default:
                (void)set_sort_flag(settings.flags, static_cast<char>(option.id));
                break;
        }
    }
    return settings;
}

// Appends a file to `text`, which afterwards ends in the delimiter.
void read_operand(std::string_view path, char delimiter, std::string& text) {
    UniqueFd file;
    if (path == "-") {
        file = UniqueFd(Fd::kStdin);
    } else {
        Result<UniqueFd> opened = open_file(path, abi::OpenFlags::kRdonly | abi::OpenFlags::kCloexec);
        if (!opened) give_up(2, "cannot read: ", path, ": ", error_sentence(opened.error()));
        file = std::move(*opened);
    }
    const Result<void> read = read_rest(file.fd(), text);
    if (!read) give_up(2, "read failed: ", path, ": ", error_sentence(read.error()));
    if (!text.empty() && text.back() != delimiter) text.push_back(delimiter);
}

std::vector<std::string_view> split_lines(std::string_view text, char delimiter) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = text.find(delimiter);
        lines.push_back(text.substr(0, end));
        text.remove_prefix(end + 1);
    }
    return lines;
}

int check_order(const std::vector<std::string_view>& lines, const LineOrder& order, const Settings& settings,
                std::string_view name) {
    for (std::size_t i = 1; i < lines.size(); ++i) {
        const bool wrong = settings.unique ? order.compare_keys(lines[i - 1], lines[i]) >= 0
                                           : order.compare(lines[i - 1], lines[i]) > 0;
        if (!wrong) continue;
        if (!settings.quiet_check) complain(name, ":", i + 1, ": disorder: ", lines[i]);
        return 1;
    }
    return 0;
}

// Sends the output to a file: it takes the place of standard output.
void redirect_output(std::string_view path) {
    using abi::OpenFlags;
    const Result<UniqueFd> file = open_file(path, OpenFlags::kWronly | OpenFlags::kCreat | OpenFlags::kTrunc);
    if (!file) give_up(2, "open failed: ", path, ": ", error_sentence(file.error()));
    const Result<std::uint64_t> moved = checked_syscall(abi::SYS_DUP2, word(file->fd()), word(Fd::kStdout),
                                                        std::uint64_t{0}, std::uint64_t{0});
    if (!moved) give_up(2, "cannot redirect output: ", error_sentence(moved.error()));
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    const Settings settings = read_settings(line);
    std::string text;
    const auto files = files_or_stdin(line);
    for (const std::string_view path : files)
        read_operand(path, settings.delimiter, text);
    std::vector<std::string_view> lines = split_lines(text, settings.delimiter);
    const LineOrder order(settings.keys, settings.flags, settings.separator,
                          settings.stable || settings.unique);
    if (settings.check) return check_order(lines, order, settings, files[0]);

    // Plain lines need no keys, and equal ones cannot be told apart.
    if (settings.keys.empty() && !settings.flags.any()) {
        std::sort(lines.begin(), lines.end());
    } else {
        std::stable_sort(lines.begin(), lines.end(), [&order](std::string_view a, std::string_view b) {
            return order.compare(a, b) < 0;
        });
    }
    if (line.has('o')) redirect_output(line.value_of('o'));
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (settings.unique && i > 0 && order.compare_keys(lines[i - 1], lines[i]) == 0) continue;
        out().write(lines[i]);
        out().put(settings.delimiter);
    }
    return tool_status();
}

}  // namespace halfcell::userland
