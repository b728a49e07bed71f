// cmp: compares two files byte by byte.

#include <algorithm>
#include <cstring>

#include "userland/lib/number.h"
#include "userland/lib/tool.h"
#include "userland/rt/file.h"
#include "userland/rt/input.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'i', "ignore-initial", Value::kRequired, "SKIP[:SKIP2]", "skip the first bytes"},
    {'l', "verbose", Value::kNone, "", "place and value of each difference"},
    {'n', "bytes", Value::kRequired, "LIMIT", "compare no more than LIMIT bytes"},
    {'s', "quiet", Value::kNone, "", "no output, only the status"},
};
constexpr Usage kUsage{
    "cmp", "[OPTION]... FILE1 [FILE2 [SKIP1 [SKIP2]]]",
    "Compares two files. FILE2 defaults to standard input, as does -. Status 0 means equal, 1\n"
    "different, 2 trouble.",
    kOptions, 2};

struct Side {
    std::string_view path;
    UniqueFd file;
    std::vector<std::byte> buffer;
    std::size_t size = 0;
};

std::uint64_t size_or_exit(std::string_view text, std::string_view option) {
    const auto size = parse_size(text);
    if (!size) usage_error(concat("invalid ", option, " value ", quoted(text)));
    return *size;
}

void open_side(Side& side, std::uint64_t skip) {
    if (!open_input(side.path, side.file)) exit_program(2);
    side.buffer.resize(64 * 1024);
    while (skip > 0) {
        const std::span<std::byte> part =
            std::span(side.buffer).first(std::min<std::uint64_t>(skip, side.buffer.size()));
        const Result<std::size_t> count = read_full(side.file.fd(), part);
        if (!count || *count == 0) return;
        skip -= *count;
    }
}

void fill(Side& side, std::uint64_t limit) {
    const std::span<std::byte> part =
        std::span(side.buffer).first(std::min<std::uint64_t>(limit, side.buffer.size()));
    const Result<std::size_t> count = read_full(side.file.fd(), part);
    if (!count) give_up(2, side.path, ": ", error_sentence(count.error()));
    side.size = *count;
}

class Comparison {
  public:
    Comparison(Side& left, Side& right, const CommandLine& line) : left_(left), right_(right), line_(line) {}

    int run(std::uint64_t limit) {
        for (;;) {
            fill(left_, limit);
            fill(right_, limit);
            const std::size_t common = std::min(left_.size, right_.size);
            if (std::memcmp(left_.buffer.data(), right_.buffer.data(), common) != 0) {
                if (show_differences(common)) return 1;
            }
            count_lines(common);
            if (left_.size != right_.size) return end_of_file(left_.size < right_.size ? left_ : right_);
            if (common == 0) return differ_ ? 1 : 0;
            limit -= common;
        }
    }

  private:
    // True where the first difference is all that is asked.
    bool show_differences(std::size_t common) {
        for (std::size_t i = 0; i < common; ++i) {
            if (left_.buffer[i] == right_.buffer[i]) continue;
            differ_ = true;
            if (line_.has('s')) return true;
            if (!line_.has('l')) {
                count_lines(i);
                out().print(left_.path, ' ', right_.path, " differ: char ", position_ + 1, ", line ",
                            lines_ + 1, '\n');
                return true;
            }
            const auto octal = [](std::byte byte) {
                return pad_left(in_base(static_cast<std::uint8_t>(byte), 8), 3);
            };
            out().print(pad_left(decimal(position_ + i + 1), width()), ' ', octal(left_.buffer[i]), ' ',
                        octal(right_.buffer[i]), '\n');
        }
        return false;
    }

    // -l aligns to what the smaller file can need.
    std::size_t width() {
        if (width_ != 0) return width_;
        std::uint64_t least = ~std::uint64_t{0} >> 1;
        for (const Side* side : {&left_, &right_}) {
            const Result<abi::Stat> stat = sys_fstat(side->file.fd());
            if (stat && is_regular(*stat)) least = std::min(least, stat->st_size);
        }
        width_ = decimal(least).size();
        return width_;
    }

    void count_lines(std::size_t size) {
        for (std::size_t i = 0; i < size; ++i) {
            if (left_.buffer[i] == std::byte{'\n'}) ++lines_;
        }
        position_ += size;
        if (size > 0) ended_line_ = left_.buffer[size - 1] == std::byte{'\n'};
    }

    int end_of_file(const Side& shorter) {
        if (line_.has('s')) return 1;
        if (position_ == 0) {
            complain("EOF on ", shorter.path, " which is empty");
        } else if (line_.has('l')) {
            complain("EOF on ", shorter.path, " after byte ", position_);
        } else {
            complain("EOF on ", shorter.path, " after byte ", position_,
                     ended_line_ ? ", line " : ", in line ", ended_line_ ? lines_ : lines_ + 1);
        }
        return 1;
    }

    Side& left_;
    Side& right_;
    const CommandLine& line_;
    std::uint64_t position_ = 0;
    std::uint64_t lines_ = 0;
    std::size_t width_ = 0;
    bool ended_line_ = true;
    bool differ_ = false;
};

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    check_operand_count(line, 1, 4);
    const auto operand = [&line](std::size_t at, std::string_view otherwise) {
        return at < line.operands.size() ? line.operands[at] : otherwise;
    };
    const std::string_view skips = line.value_of('i', "0");
    const std::size_t colon = skips.find(':');
    const std::string_view first = skips.substr(0, colon);
    const std::string_view second = colon == std::string_view::npos ? first : skips.substr(colon + 1);
    Side left{line.operands[0], {}, {}, 0};
    Side right{operand(1, "-"), {}, {}, 0};
    open_side(left, size_or_exit(operand(2, first), "--ignore-initial"));
    open_side(right, size_or_exit(operand(3, second), "--ignore-initial"));
    const std::uint64_t limit =
        line.has('n') ? size_or_exit(line.value_of('n'), "--bytes") : ~std::uint64_t{0};
    return Comparison(left, right, line).run(limit);
}

}  // namespace halfcell::userland
