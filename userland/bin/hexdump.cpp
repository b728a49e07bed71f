// hexdump: shows bytes as numbers.

#include <algorithm>

#include "userland/lib/number.h"
#include "userland/lib/tool.h"
#include "userland/rt/file.h"
#include "userland/rt/input.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'b', "one-byte-octal", Value::kNone, "", "bytes in octal"},
    {'C', "canonical", Value::kNone, "", "bytes in hexadecimal, and as characters"},
    {'d', "two-bytes-decimal", Value::kNone, "", "two bytes in decimal"},
    {'n', "length", Value::kRequired, "N", "no more than N bytes"},
    {'o', "two-bytes-octal", Value::kNone, "", "two bytes in octal"},
    {'s', "skip", Value::kRequired, "N", "skip N bytes first"},
    {'v', "no-squeezing", Value::kNone, "", "show lines that repeat, instead of *"},
    {'x', "two-bytes-hex", Value::kNone, "", "two bytes in hexadecimal"},
};
constexpr Usage kUsage{"hexdump", "[OPTION]... [FILE]...",
                       "Shows the bytes of all FILEs, 16 a line. No FILE is standard input.", kOptions};

constexpr std::size_t kWidth = 16;

std::uint64_t number_or_exit(std::string_view text, std::string_view what) {
    const auto hexadecimal =
        text.starts_with("0x") ? parse_base(text.substr(2), 16) : std::optional<std::uint64_t>();
    const auto number = hexadecimal ? hexadecimal : parse_size(text);
    if (!number) give_up(1, "invalid ", what, " ", quoted(text));
    return *number;
}

std::string canonical_line(std::string_view row) {
    std::string line = " ";
    for (std::size_t i = 0; i < kWidth; ++i) {
        if (i == kWidth / 2) line.push_back(' ');
        line.append(i < row.size() ? " " + in_base(static_cast<std::uint8_t>(row[i]), 16, 2) : "   ");
    }
    line.append("  |");
    for (const char c : row)
        line.push_back(c >= 32 && c < 127 ? c : '.');
    return line.append("|");
}

// Rows of single bytes or little-endian pairs, each number in `column` places.
std::string number_line(std::string_view row, std::size_t unit, unsigned base, std::size_t digits,
                        std::size_t column) {
    std::string line;
    for (std::size_t i = 0; i < kWidth; i += unit) {
        if (i >= row.size()) {
            line.append(column, ' ');
            continue;
        }
        std::uint64_t value = 0;
        for (std::size_t j = 0; j < unit && i + j < row.size(); ++j) {
            value |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(row[i + j])) << (8 * j);
        }
        line.append(pad_left(in_base(value, base, digits), column));
    }
    return line;
}

class Dumper {
  public:
    explicit Dumper(const CommandLine& line) : squeeze_(!line.has('v')) {
        for (const GivenOption& option : line.options) {
            if (std::string_view("bCdox").find(static_cast<char>(option.id)) != std::string_view::npos) {
                style_ = static_cast<char>(option.id);
            }
        }
    }

    void set_offset(std::uint64_t offset) { offset_ = offset; }

    void add(std::string_view bytes) {
        while (!bytes.empty()) {
            const std::size_t taken = std::min(kWidth - row_.size(), bytes.size());
            row_.append(bytes.substr(0, taken));
            bytes.remove_prefix(taken);
            if (row_.size() == kWidth) show_row();
        }
    }

    void finish() {
        const bool any = offset_ > 0 || !row_.empty();
        if (!row_.empty()) show_row();
        if (any) out().print(in_base(offset_, 16, address_width()), '\n');
    }

  private:
    std::size_t address_width() const { return style_ == 'C' ? 8 : 7; }

    std::string text_of(std::string_view row) const {
        switch (style_) {
            case 'C':
                return canonical_line(row);
            case 'b':
                return number_line(row, 1, 8, 3, 4);
            case 'd':
                return number_line(row, 2, 10, 5, 8);
            case 'o':
                return number_line(row, 2, 8, 6, 8);
            case 'x':
                return number_line(row, 2, 16, 4, 8);
            default:
                return number_line(row, 2, 16, 4, 5);
        }
    }

    void show_row() {
        if (squeeze_ && row_ == previous_ && row_.size() == kWidth) {
            if (!squeezing_) out().write("*\n");
            squeezing_ = true;
        } else {
            squeezing_ = false;
            out().print(in_base(offset_, 16, address_width()), text_of(row_), '\n');
        }
        offset_ += row_.size();
        previous_ = row_;
        row_.clear();
    }

    bool squeeze_;
    char style_ = 0;
    bool squeezing_ = false;
    std::uint64_t offset_ = 0;
    std::string row_;
    std::string previous_;
};

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    std::uint64_t skip = line.has('s') ? number_or_exit(line.value_of('s'), "offset") : 0;
    std::uint64_t left = line.has('n') ? number_or_exit(line.value_of('n'), "length") : ~std::uint64_t{0};
    Dumper dumper(line);
    dumper.set_offset(skip);
    for (const std::string_view path : files_or_stdin(line)) {
        UniqueFd file;
        if (!open_input(path, file)) continue;
        while (left > 0) {
            const std::uint64_t wanted = skip > 0 ? skip : left;
            const std::span<std::byte> room =
                transfer_buffer().first(std::min<std::uint64_t>(wanted, transfer_buffer().size()));
            const Result<std::size_t> count = read_some(file.fd(), room);
            if (!count) complain_about(path, count.error());
            if (!count || *count == 0) break;
            if (skip > 0) {
                skip -= *count;
                continue;
            }
            dumper.add(as_text(room.first(*count)));
            left -= *count;
        }
    }
    dumper.finish();
    return tool_status();
}

}  // namespace halfcell::userland
