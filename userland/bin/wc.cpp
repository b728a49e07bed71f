// wc: counts lines, words and bytes.

#include <algorithm>

#include "userland/lib/number.h"
#include "userland/lib/tool.h"
#include "userland/rt/file.h"
#include "userland/rt/input.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'c', "bytes", Value::kNone, "", "count bytes"},
    {'l', "lines", Value::kNone, "", "count newlines"},
    {'L', "max-line-length", Value::kNone, "", "length of the longest line"},
    {'m', "chars", Value::kNone, "", "count characters (UTF-8)"},
    {'w', "words", Value::kNone, "", "count words"},
};
constexpr Usage kUsage{"wc", "[OPTION]... [FILE]...",
                       "Counts lines, words and bytes of each FILE, and a total for more than one.\n"
                       "No FILE, or -, is standard input.",
                       kOptions};

struct Counts {
    std::uint64_t lines = 0;
    std::uint64_t words = 0;
    std::uint64_t characters = 0;
    std::uint64_t bytes = 0;
    std::uint64_t longest = 0;
};

struct Columns {
    bool lines, words, characters, bytes, longest;
    bool only_bytes() const { return bytes && !lines && !words && !characters && !longest; }
    bool only_lines_and_bytes() const { return !words && !characters && !longest; }
};

bool is_blank(char c) {
    return c == ' ' || (c >= 9 && c <= 13);
}

class Counter {
  public:
    explicit Counter(const Columns& columns) : columns_(columns) {}

    void add(std::string_view text) {
        counts.bytes += text.size();
        if (columns_.only_lines_and_bytes()) {
            counts.lines += static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
            return;
        }
        for (const char c : text)
            add_byte(c);
    }

    void finish() { counts.longest = std::max(counts.longest, width_); }

    Counts counts;

  private:
    void add_byte(char c) {
        const bool blank = is_blank(c);
        if (!blank && !in_word_) ++counts.words;
        in_word_ = !blank;
        const bool continuation = (static_cast<unsigned char>(c) & 0xC0) == 0x80;
        if (!continuation) ++counts.characters;
        if (c == '\n') {
            ++counts.lines;
            counts.longest = std::max(counts.longest, width_);
            width_ = 0;
        } else if (c == '\t') {
            width_ = (width_ / 8 + 1) * 8;
        } else if (!continuation && static_cast<unsigned char>(c) >= 32 && c != 127) {
            ++width_;
        }
    }

    Columns columns_;
    std::uint64_t width_ = 0;
    bool in_word_ = false;
};

// Counts a file; where only its size is asked, a file that tells it is not read.
Result<Counts> count_file(Fd file, const Columns& columns) {
    if (columns.only_bytes()) {
        const std::optional<std::uint64_t> rest = seekable_rest(file);
        if (rest && *rest > 0) {
            Counts counts;
            counts.bytes = *rest;
            return counts;
        }
    }
    Counter counter(columns);
    for (;;) {
        const std::size_t size = RT_TRY(read_some(file, transfer_buffer()));
        if (size == 0) break;
        counter.add(as_text(transfer_buffer().first(size)));
    }
    counter.finish();
    return counter.counts;
}

void print_counts(const Counts& counts, const Columns& columns, std::size_t width, std::string_view name) {
    bool first = true;
    const auto column = [&](bool shown, std::uint64_t value) {
        if (!shown) return;
        out().print(first ? "" : " ", pad_left(decimal(value), width));
        first = false;
    };
    column(columns.lines, counts.lines);
    column(columns.words, counts.words);
    column(columns.characters, counts.characters);
    column(columns.bytes, counts.bytes);
    column(columns.longest, counts.longest);
    if (!name.empty()) out().print(' ', name);
    out().put('\n');
}

// Columns are as wide as the sum of all sizes needs, 7 where a size is not known beforehand.
std::size_t column_width(std::span<const std::string_view> files, const Columns& columns) {
    const int shown = columns.lines + columns.words + columns.characters + columns.bytes + columns.longest;
    if (files.size() == 1 && shown == 1) return 1;
    std::uint64_t total = 0;
    std::size_t least = 1;
    for (const std::string_view path : files) {
        const Result<abi::Stat> stat = path == "-" ? sys_fstat(Fd::kStdin) : stat_file(path);
        if (!stat) continue;
        if (is_regular(*stat)) {
            total += stat->st_size;
        } else {
            least = 7;
        }
    }
    return std::max(least, decimal(total).size());
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    Columns columns{line.has('l'), line.has('w'), line.has('m'), line.has('c'), line.has('L')};
    if (line.options.empty()) columns = {true, true, false, true, false};
    const auto files = files_or_stdin(line);
    const std::size_t width = column_width(files, columns);
    Counts total;
    for (const std::string_view path : files) {
        UniqueFd file;
        if (!open_input(path, file)) continue;
        const Result<Counts> counts = count_file(file.fd(), columns);
        if (!counts) {
            complain_about(path, counts.error());
            print_counts({}, columns, width, path);
            continue;
        }
        print_counts(*counts, columns, width, line.operands.empty() ? std::string_view() : path);
        total.lines += counts->lines;
        total.words += counts->words;
        total.characters += counts->characters;
        total.bytes += counts->bytes;
        total.longest = std::max(total.longest, counts->longest);
    }
    if (files.size() > 1) print_counts(total, columns, width, "total");
    return tool_status();
}

}  // namespace halfcell::userland
