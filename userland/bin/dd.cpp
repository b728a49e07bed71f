// dd: copies blocks.

#include "userland/lib/block_copy.h"
#include "userland/lib/number.h"
#include "userland/lib/tool.h"

namespace halfcell::userland {
namespace {

constexpr Usage kUsage{
    "dd",
    "[OPERAND]...",
    "Copies standard input to standard output, in blocks.\n"
    "  if=FILE of=FILE           read and write these\n"
    "  bs=N ibs=N obs=N          sizes of blocks (512); K M G are powers of 1024\n"
    "  count=N skip=N seek=N     copy N blocks; skip N of the input first, N of the output\n"
    "  conv=LIST                 notrunc nocreat excl noerror sync fsync fdatasync lcase ucase swab sparse\n"
    "  iflag=LIST oflag=LIST     fullblock count_bytes skip_bytes seek_bytes append\n"
    "  status=LEVEL              none, noxfer or progress",
    {}};

std::uint64_t size_or_exit(std::string_view text, bool zero_allowed) {
    const auto size = parse_size(text);
    if (!size || (*size == 0 && !zero_allowed)) give_up(1, "invalid number: ", quoted(text));
    return *size;
}

void set_conversions(BlockCopy& copy, std::string_view list) {
    for (;;) {
        const std::size_t comma = list.find(',');
        const std::string_view word = list.substr(0, comma);
        if (word == "notrunc") {
            copy.truncate = false;
        } else if (word == "nocreat") {
            copy.create = false;
        } else if (word == "excl") {
            copy.exclusive = true;
        } else if (word == "noerror") {
            copy.go_on_after_errors = true;
        } else if (word == "sync") {
            copy.pad_blocks = true;
        } else if (word == "fsync" || word == "fdatasync") {
            copy.synchronize = true;
        } else if (word == "lcase") {
            copy.letters = BlockCopy::Letters::kLower;
        } else if (word == "ucase") {
            copy.letters = BlockCopy::Letters::kUpper;
        } else if (word == "swab") {
            copy.swap_bytes = true;
        } else if (word == "sparse") {
            copy.sparse = true;
        } else {
            usage_error(concat("invalid conversion: ", quoted(word)));
        }
        if (comma == std::string_view::npos) return;
        list.remove_prefix(comma + 1);
    }
}

void set_flags(BlockCopy& copy, std::string_view list, bool input) {
    for (;;) {
        const std::size_t comma = list.find(',');
        const std::string_view word = list.substr(0, comma);
        if (word == "fullblock" && input) {
            copy.full_blocks = true;
        } else if (word == "count_bytes" && input) {
            copy.count_in_bytes = true;
        } else if (word == "skip_bytes" && input) {
            copy.skip_in_bytes = true;
        } else if (word == "seek_bytes" && !input) {
            copy.seek_in_bytes = true;
        } else if (word == "append" && !input) {
            copy.append = true;
        } else if (word != "direct" && word != "dsync" && word != "sync" && word != "nonblock" &&
                   word != "noatime") {
            usage_error(concat("invalid ", input ? "input" : "output", " flag: ", quoted(word)));
        }
        if (comma == std::string_view::npos) return;
        list.remove_prefix(comma + 1);
    }
}

void set_status(BlockCopy& copy, std::string_view level) {
    if (level == "none") {
        copy.report = BlockCopy::Report::kNone;
    } else if (level == "noxfer") {
        copy.report = BlockCopy::Report::kRecords;
    } else if (level != "progress") {
        usage_error(concat("invalid status level: ", quoted(level)));
    }
}

void set_operand(BlockCopy& copy, std::string_view operand) {
    const std::size_t equals = operand.find('=');
    if (equals == std::string_view::npos) usage_error(concat("unrecognized operand ", quoted(operand)));
    const std::string_view name = operand.substr(0, equals);
    const std::string_view value = operand.substr(equals + 1);
    if (name == "if") {
        copy.input = value;
    } else if (name == "of") {
        copy.output = value;
    } else if (name == "bs") {
        copy.input_block = copy.output_block = size_or_exit(value, false);
        copy.one_size = true;
    } else if (name == "ibs") {
        copy.input_block = size_or_exit(value, false);
    } else if (name == "obs") {
        copy.output_block = size_or_exit(value, false);
    } else if (name == "count") {
        copy.count = size_or_exit(value, true);
        if (value.ends_with('B')) copy.count_in_bytes = true;
    } else if (name == "skip" || name == "iseek") {
        copy.skip = size_or_exit(value, true);
    } else if (name == "seek" || name == "oseek") {
        copy.seek = size_or_exit(value, true);
    } else if (name == "conv") {
        set_conversions(copy, value);
    } else if (name == "iflag") {
        set_flags(copy, value, true);
    } else if (name == "oflag") {
        set_flags(copy, value, false);
    } else if (name == "status") {
        set_status(copy, value);
    } else {
        usage_error(concat("unrecognized operand ", quoted(operand)));
    }
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    BlockCopy copy;
    for (const std::string_view operand : line.operands)
        set_operand(copy, operand);
    return copy.run();
}

}  // namespace halfcell::userland
