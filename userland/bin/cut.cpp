// cut: prints parts of lines.

#include <algorithm>

#include "userland/lib/ranges.h"
#include "userland/lib/tool.h"
#include "userland/rt/file.h"
#include "userland/rt/input.h"

namespace halfcell::userland {
namespace {

constexpr int kComplement = kLongOnly;
constexpr int kOutputDelimiter = kLongOnly + 1;
constexpr Option kOptions[] = {
    {'b', "bytes", Value::kRequired, "LIST", "these bytes"},
    {'c', "characters", Value::kRequired, "LIST", "these characters"},
    {kComplement, "complement", Value::kNone, "", "all but those"},
    {'d', "delimiter", Value::kRequired, "DELIM", "fields end at DELIM instead of at a tab"},
    {'f', "fields", Value::kRequired, "LIST", "these fields"},
    {'n', "", Value::kNone, "", "ignored"},
    {kOutputDelimiter, "output-delimiter", Value::kRequired, "STRING", "what stands between the parts"},
    {'s', "only-delimited", Value::kNone, "", "no lines without a DELIM"},
    {'z', "zero-terminated", Value::kNone, "", "lines end in NUL"},
};
constexpr Usage kUsage{
    "cut", "OPTION... [FILE]...",
    "Prints parts of the lines of each FILE. A LIST is N, N-M, N- or -M, several with commas.\n"
    "No FILE, or -, is standard input.",
    kOptions};

struct Settings {
    std::vector<Range> ranges;
    bool fields = false;
    bool only_delimited = false;
    char delimiter = '\t';
    std::string output_delimiter;
    bool has_output_delimiter = false;
    char line_end = '\n';
};

void cut_bytes(std::string_view line, const Settings& settings) {
    bool first = true;
    for (const Range& range : settings.ranges) {
        if (range.first > line.size()) break;
        if (!first && settings.has_output_delimiter) out().write(settings.output_delimiter);
        first = false;
        const std::uint64_t end = std::min<std::uint64_t>(range.last, line.size());
        out().write(line.substr(range.first - 1, end - range.first + 1));
    }
    out().put(settings.line_end);
}

void cut_fields(std::string_view line, const Settings& settings) {
    if (line.find(settings.delimiter) == std::string_view::npos) {
        if (!settings.only_delimited) out().print(line, settings.line_end);
        return;
    }
    bool first = true;
    std::size_t range = 0;
    std::uint64_t number = 1;
    for (;; ++number) {
        const std::size_t end = line.find(settings.delimiter);
        while (range < settings.ranges.size() && settings.ranges[range].last < number)
            ++range;
        if (range == settings.ranges.size()) break;
        if (settings.ranges[range].first <= number) {
            if (!first) out().write(settings.output_delimiter);
            first = false;
            out().write(line.substr(0, end));
        }
        if (end == std::string_view::npos) break;
        line.remove_prefix(end + 1);
    }
    out().put(settings.line_end);
}

Settings read_settings(const CommandLine& line) {
    Settings settings;
    std::string_view list;
    int chosen = 0;
    for (const GivenOption& option : line.options) {
        if (option.id != 'b' && option.id != 'c' && option.id != 'f') continue;
        ++chosen;
        list = option.value;
        settings.fields = option.id == 'f';
    }
    if (chosen == 0) usage_error("you must specify a list of bytes, characters, or fields");
    if (chosen > 1) usage_error("only one type of list may be specified");
    if (!settings.fields && line.has('d')) {
        usage_error("an input delimiter may be specified only when operating on fields");
    }
    if (!settings.fields && line.has('s')) {
        usage_error("suppressing non-delimited lines makes sense\n\tonly when operating on fields");
    }
    if (line.has('d')) {
        const std::string_view delimiter = line.value_of('d');
        if (delimiter.size() > 1) usage_error("the delimiter must be a single character");
        settings.delimiter = delimiter.empty() ? '\0' : delimiter[0];
    }
    std::string error;
    const auto ranges = parse_ranges(list, error);
    if (!ranges) usage_error(error);
    settings.ranges = line.has(kComplement) ? complement(*ranges) : *ranges;
    settings.only_delimited = line.has('s');
    settings.has_output_delimiter = line.has(kOutputDelimiter);
    settings.output_delimiter = settings.has_output_delimiter ? std::string(line.value_of(kOutputDelimiter))
                                                              : std::string(1, settings.delimiter);
    if (line.has('z')) settings.line_end = '\0';
    return settings;
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    const Settings settings = read_settings(line);
    for (const std::string_view path : files_or_stdin(line)) {
        UniqueFd file;
        if (!open_input(path, file)) continue;
        LineReader reader(file.fd(), settings.line_end);
        for (;;) {
            const Result<std::optional<Line>> next = reader.next();
            if (!next) complain_about(path, next.error());
            if (!next || !*next) break;
            if (settings.fields) {
                cut_fields((*next)->text, settings);
            } else {
                cut_bytes((*next)->text, settings);
            }
        }
    }
    return tool_status();
}

}  // namespace halfcell::userland
