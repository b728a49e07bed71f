// grep: prints lines that match a pattern.

#include <algorithm>

#include "userland/lib/glob.h"
#include "userland/lib/grep_file.h"
#include "userland/lib/number.h"
#include "userland/lib/tool.h"
#include "userland/rt/directory.h"
#include "userland/rt/file.h"
#include "userland/rt/input.h"
#include "userland/rt/path.h"

namespace halfcell::userland {
namespace {

constexpr int kInclude = kLongOnly;
constexpr int kExclude = kLongOnly + 1;
constexpr int kExcludeDirectory = kLongOnly + 2;
constexpr int kColor = kLongOnly + 3;
constexpr Option kOptions[] = {
    {'A', "after-context", Value::kRequired, "N", "N lines after each match too"},
    {'a', "text", Value::kNone, "", "binary files are text"},
    {'B', "before-context", Value::kRequired, "N", "N lines before each match too"},
    {'b', "byte-offset", Value::kNone, "", "offset of each line in its file"},
    {'C', "context", Value::kRequired, "N", "N lines around each match too"},
    {'c', "count", Value::kNone, "", "only the number of lines of each file"},
    {'E', "extended-regexp", Value::kNone, "", "extended regular expressions: + ? | ( ) { }"},
    {'e', "regexp", Value::kRequired, "PATTERN", "a pattern, also one that starts with -"},
    {'F', "fixed-strings", Value::kNone, "", "plain text"},
    {'f', "file", Value::kRequired, "FILE", "patterns from FILE, one a line"},
    {'G', "basic-regexp", Value::kNone, "", "basic regular expressions (the default)"},
    {'H', "with-filename", Value::kNone, "", "the name of the file in front"},
    {'h', "no-filename", Value::kNone, "", "no name of the file in front"},
    {'I', "", Value::kNone, "", "binary files never match"},
    {'i', "ignore-case", Value::kNone, "", "capitals and small letters are equal"},
    {'L', "files-without-match", Value::kNone, "", "only the names of files without a match"},
    {'l', "files-with-matches", Value::kNone, "", "only the names of files with a match"},
    {'m', "max-count", Value::kRequired, "N", "stop after N lines of each file"},
    {'n', "line-number", Value::kNone, "", "number of each line in its file"},
    {'o', "only-matching", Value::kNone, "", "only the parts of lines that match"},
    {'q', "quiet", Value::kNone, "", "no output, only the status"},
    {'R', "dereference-recursive", Value::kNone, "", "same as -r, following links"},
    {'r', "recursive", Value::kNone, "", "all files in directories; the working directory if none is named"},
    {'s', "no-messages", Value::kNone, "", "no complaint about files that cannot be read"},
    {'v', "invert-match", Value::kNone, "", "lines that do not match"},
    {'w', "word-regexp", Value::kNone, "", "only whole words"},
    {'x', "line-regexp", Value::kNone, "", "only whole lines"},
    {'y', "", Value::kNone, "", "same as -i"},
    {kInclude, "include", Value::kRequired, "GLOB", "with -r: only files of this name"},
    {kExclude, "exclude", Value::kRequired, "GLOB", "with -r: no files of this name"},
    {kExcludeDirectory, "exclude-dir", Value::kRequired, "GLOB", "with -r: no directories of this name"},
    {kColor, "color", Value::kOptional, "WHEN", ""},
};
constexpr Usage kUsage{"grep", "[OPTION]... PATTERN [FILE]...",
                       "Prints the lines of each FILE that match PATTERN. No FILE, or -, is standard input.\n"
                       "Status 0 means a line matched, 1 none did, 2 trouble.",
                       kOptions, 2};

class Searcher {
  public:
    Searcher(const CommandLine& line, Regex regex, const GrepOptions& options)
        : line_(line), regex_(std::move(regex)), options_(options), silent_(line.has('s')) {}

    bool any_match() const { return any_match_; }
    bool trouble() const { return trouble_; }

    void search_operand(const std::string& path, bool recursive) {
        if (path == "-") {
            search_file(Fd::kStdin, "(standard input)");
            return;
        }
        const Result<UniqueFd> file = open_file(path, abi::OpenFlags::kRdonly | abi::OpenFlags::kCloexec);
        if (!file) {
            refuse(path, file.error());
            return;
        }
        const Result<abi::Stat> stat = sys_fstat(file->fd());
        if (stat && is_directory(*stat)) {
            if (recursive) {
                search_directory(path, file->fd());
            } else {
                if (!silent_) complain(path, ": Is a directory");
                trouble_ = true;
            }
            return;
        }
        search_file(file->fd(), path);
    }

    void search_here() {
        const Result<UniqueFd> directory =
            open_file(".", abi::OpenFlags::kRdonly | abi::OpenFlags::kDirectory | abi::OpenFlags::kCloexec);
        if (directory) {
            search_directory("", directory->fd());
        } else {
            refuse(".", directory.error());
        }
    }

  private:
    void refuse(std::string_view path, Errno error) {
        if (!silent_) complain_about(path, error);
        trouble_ = true;
    }

    void search_file(Fd file, std::string_view name) {
        const Result<bool> matched = grep_file(file, name, regex_, options_);
        if (!matched) {
            refuse(name, matched.error());
            return;
        }
        any_match_ = any_match_ || *matched;
        if (*matched && options_.quiet) exit_program(0);
    }

    bool excluded(std::string_view name, bool directory) const {
        bool has_include = false;
        bool included = false;
        for (const GivenOption& option : line_.options) {
            if (directory && option.id == kExcludeDirectory && glob_matches(option.value, name)) return true;
            if (!directory && option.id == kExclude && glob_matches(option.value, name)) return true;
            if (!directory && option.id == kInclude) {
                has_include = true;
                included = included || glob_matches(option.value, name);
            }
        }
        return has_include && !included;
    }

    void search_directory(const std::string& path, Fd directory) {
        Result<std::vector<DirectoryEntry>> entries = read_directory(directory);
        if (!entries) {
            refuse(path, entries.error());
            return;
        }
        std::sort(entries->begin(), entries->end(),
                  [](const DirectoryEntry& a, const DirectoryEntry& b) { return a.name < b.name; });
        for (const DirectoryEntry& entry : *entries)
            search_entry(path, entry);
    }

    // Links met on the way are followed only with -R; devices are left alone.
    void search_entry(const std::string& directory, const DirectoryEntry& entry) {
        const std::string path = directory.empty() ? entry.name : join_path(directory, entry.name);
        EntryKind kind = entry.kind;
        if (kind == EntryKind::kUnknown || (kind == EntryKind::kSymbolicLink && line_.has('R'))) {
            const Result<abi::Stat> stat =
                stat_file(path, line_.has('R') ? FollowLinks::kYes : FollowLinks::kNo);
            if (!stat) {
                refuse(path, stat.error());
                return;
            }
            kind = is_directory(*stat) ? EntryKind::kDirectory
                                       : (is_regular(*stat) ? EntryKind::kRegular : EntryKind::kOther);
        }
        if (kind != EntryKind::kDirectory && kind != EntryKind::kRegular) return;
        if (excluded(entry.name, kind == EntryKind::kDirectory)) return;
        search_operand(path, true);
    }

    const CommandLine& line_;
    Regex regex_;
    GrepOptions options_;
    bool silent_;
    bool any_match_ = false;
    bool trouble_ = false;
};

std::uint64_t count_or_exit(std::string_view text, std::string_view what) {
    const auto count = parse_unsigned(text);
    if (!count) give_up(2, text, ": invalid ", what);
    return *count;
}

GrepOptions read_options(const CommandLine& line) {
    GrepOptions options;
    for (const GivenOption& option : line.options) {
        switch (option.id) {
            case 'A':
                options.after = count_or_exit(option.value, "context length argument");
                break;
            case 'B':
                options.before = count_or_exit(option.value, "context length argument");
                break;
            case 'C':
                options.before = options.after = count_or_exit(option.value, "context length argument");
                break;
            case 'm':
                options.most = count_or_exit(option.value, "max count");
                break;
            case 'H':
                options.show_name = true;
                break;
            case 'h':
                options.show_name = false;
                break;
            default:
                break;
        }
    }
    options.binary = line.has('a')
                         ? GrepOptions::Binary::kText
                         : (line.has('I') ? GrepOptions::Binary::kSkip : GrepOptions::Binary::kReport);
    options.show_offset = line.has('b');
    options.show_number = line.has('n');
    options.count = line.has('c');
    options.invert = line.has('v');
    options.names_without = line.has('L');
    options.names_with = line.has('l');
    options.only_matching = line.has('o');
    options.quiet = line.has('q');
    return options;
}

void add_lines(std::vector<std::string>& patterns, std::string_view text) {
    for (;;) {
        const std::size_t end = text.find('\n');
        patterns.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) return;
        text.remove_prefix(end + 1);
    }
}

void add_pattern_file(std::vector<std::string>& patterns, std::string_view path) {
    UniqueFd file;
    if (!open_input(path, file)) exit_program(2);
    std::string text;
    const Result<void> read = read_rest(file.fd(), text);
    if (!read) give_up(2, path, ": ", error_sentence(read.error()));
    if (text.empty()) return;
    if (text.back() == '\n') text.pop_back();
    add_lines(patterns, text);
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    std::span<const std::string_view> files = line.operands;
    std::vector<std::string> patterns;
    RegexOptions how;
    for (const GivenOption& option : line.options) {
        if (option.id == 'e') add_lines(patterns, option.value);
        if (option.id == 'f') add_pattern_file(patterns, option.value);
        if (option.id == 'E') how.syntax = RegexSyntax::kExtended;
        if (option.id == 'F') how.syntax = RegexSyntax::kFixed;
        if (option.id == 'G') how.syntax = RegexSyntax::kBasic;
    }
    if (!line.has('e') && !line.has('f')) {
        if (files.empty()) usage_error("missing pattern");
        add_lines(patterns, files[0]);
        files = files.subspan(1);
    }
    how.ignore_case = line.has('i') || line.has('y');
    how.whole_words = line.has('w');
    how.whole_text = line.has('x');
    const std::vector<std::string_view> views(patterns.begin(), patterns.end());
    std::string error;
    std::optional<Regex> regex = Regex::compile(views, how, error);
    if (!regex) give_up(2, error);

    const bool recursive = line.has('r') || line.has('R');
    GrepOptions options = read_options(line);
    if (!options.show_name) options.show_name = recursive || files.size() > 1;
    // One pattern of plain text is found without running the automaton over every line.
    const bool literal = patterns.size() == 1 && !patterns[0].empty() && !how.ignore_case &&
                         !how.whole_words && !how.whole_text && !line.has('v') &&
                         (how.syntax == RegexSyntax::kFixed ||
                          patterns[0].find_first_of("\\[].*^$+?(){}|") == std::string::npos);
    if (literal) options.literal = patterns[0];
    Searcher searcher(line, std::move(*regex), options);
    if (files.empty() && recursive) {
        searcher.search_here();
    } else if (files.empty()) {
        searcher.search_operand("-", false);
    }
    for (const std::string_view path : files)
        searcher.search_operand(std::string(path), recursive);
    if (searcher.trouble()) return 2;
    return searcher.any_match() ? 0 : 1;
}

}  // namespace halfcell::userland
