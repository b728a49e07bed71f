// uniq: joins equal lines that follow each other.

#include <algorithm>

#include "userland/lib/number.h"
#include "userland/lib/tool.h"
#include "userland/rt/file.h"
#include "userland/rt/input.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'c', "count", Value::kNone, "", "put the number of lines in front"},
    {'d', "repeated", Value::kNone, "", "only lines that are repeated, once"},
    {'D', "", Value::kNone, "", "only lines that are repeated, all of them"},
    {'f', "skip-fields", Value::kRequired, "N", "the first N fields do not count"},
    {'i', "ignore-case", Value::kNone, "", "capitals and small letters are equal"},
    {'s', "skip-chars", Value::kRequired, "N", "the first N characters do not count"},
    {'u', "unique", Value::kNone, "", "only lines that are not repeated"},
    {'w', "check-chars", Value::kRequired, "N", "no more than N characters count"},
    {'z', "zero-terminated", Value::kNone, "", "lines end in NUL"},
};
constexpr Usage kUsage{"uniq", "[OPTION]... [INPUT [OUTPUT]]",
                       "Writes one of several equal lines that follow each other. Sort first to find all.",
                       kOptions};

struct Settings {
    bool count = false, repeated = false, all_repeated = false, unique = false, ignore_case = false;
    std::uint64_t fields = 0, characters = 0, most = ~std::uint64_t{0};
    char delimiter = '\n';
};

std::uint64_t number_or_exit(std::string_view text, std::string_view what) {
    const auto number = parse_unsigned(text);
    if (!number) give_up(1, text, ": invalid number of ", what);
    return *number;
}

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}
char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string_view relevant(std::string_view line, const Settings& settings) {
    std::size_t at = 0;
    for (std::uint64_t i = 0; i < settings.fields && at < line.size(); ++i) {
        while (at < line.size() && is_blank(line[at]))
            ++at;
        while (at < line.size() && !is_blank(line[at]))
            ++at;
    }
    at = std::min<std::uint64_t>(line.size(), at + std::min<std::uint64_t>(settings.characters, line.size()));
    return line.substr(at, settings.most);
}

bool equal(std::string_view a, std::string_view b, const Settings& settings) {
    a = relevant(a, settings);
    b = relevant(b, settings);
    if (!settings.ignore_case) return a == b;
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

// One run of equal lines is over: `line` is its first, `count` how many there were.
void print_run(const std::string& line, std::uint64_t count, const Settings& settings) {
    const bool shown = count > 1 ? !settings.unique : !settings.repeated;
    if (!shown || settings.all_repeated) return;
    if (settings.count) out().print(pad_left(decimal(count), 7), ' ');
    out().print(line, settings.delimiter);
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    check_operand_count(line, 0, 2);
    Settings settings;
    settings.count = line.has('c');
    settings.repeated = line.has('d');
    settings.all_repeated = line.has('D');
    settings.unique = line.has('u');
    settings.ignore_case = line.has('i');
    if (line.has('f')) settings.fields = number_or_exit(line.value_of('f'), "fields to skip");
    if (line.has('s')) settings.characters = number_or_exit(line.value_of('s'), "bytes to skip");
    if (line.has('w')) settings.most = number_or_exit(line.value_of('w'), "bytes to compare");
    if (line.has('z')) settings.delimiter = '\0';

    UniqueFd input;
    if (!open_input(line.operands.empty() ? "-" : line.operands[0], input)) return 1;
    if (line.operands.size() == 2 && line.operands[1] != "-") {
        using abi::OpenFlags;
        Result<UniqueFd> file =
            open_file(line.operands[1], OpenFlags::kWronly | OpenFlags::kCreat | OpenFlags::kTrunc);
        if (!file) give_up(1, line.operands[1], ": ", error_sentence(file.error()));
        (void)checked_syscall(abi::SYS_DUP2, word(file->fd()), word(Fd::kStdout), std::uint64_t{0},
                              std::uint64_t{0});
    }
    LineReader reader(input.fd(), settings.delimiter);
    std::string previous;
    std::uint64_t count = 0;
    for (;;) {
        const Result<std::optional<Line>> next = reader.next();
        if (!next) give_up(1, "read error: ", error_sentence(next.error()));
        if (*next && count > 0 && equal(previous, (*next)->text, settings)) {
            if (settings.all_repeated && count == 1) out().print(previous, settings.delimiter);
            if (settings.all_repeated) out().print((*next)->text, settings.delimiter);
            ++count;
            continue;
        }
        if (count > 0) print_run(previous, count, settings);
        if (!*next) break;
        previous = (*next)->text;
        count = 1;
    }
    return tool_status();
}

}  // namespace halfcell::userland
