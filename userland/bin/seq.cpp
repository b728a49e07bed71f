// seq: prints a sequence of numbers.

#include <algorithm>

#include "userland/lib/decimal_float.h"
#include "userland/lib/number.h"
#include "userland/lib/print_format.h"
#include "userland/lib/tool.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'f', "format", Value::kRequired, "FORMAT", "print each number by a format such as %05.1f"},
    {'s', "separator", Value::kRequired, "STRING", "what stands between numbers (a newline)"},
    {'w', "equal-width", Value::kNone, "", "pad with zeros to equal width"},
};
constexpr Usage kUsage{"seq",
                       "[OPTION]... [FIRST [STEP]] LAST",
                       "Prints the numbers from FIRST (1) to LAST, STEP (1) apart.",
                       kOptions,
                       1,
                       Operands::kLast};

Decimal number_or_exit(std::string_view text) {
    const auto number = parse_decimal(text);
    if (!number) usage_error(concat("invalid floating point argument: '", text, "'"));
    return *number;
}

// Negative numbers look like options: options end at the first number that is not the value of one.
std::vector<std::string_view> with_marked_operands(std::span<const std::string_view> arguments) {
    std::vector<std::string_view> marked;
    bool done = false;
    for (const std::string_view argument : arguments) {
        const bool value = !marked.empty() && (marked.back() == "-s" || marked.back() == "-f" ||
                                               marked.back() == "--separator" || marked.back() == "--format");
        if (!done && !value && parse_decimal(argument)) {
            marked.push_back("--");
            done = true;
        }
        done = done || argument == "--";
        marked.push_back(argument);
    }
    return marked;
}

std::string zero_padded(std::string text, std::size_t width) {
    if (text.size() >= width) return text;
    const bool negative = text.starts_with('-');
    return text.insert(negative ? 1 : 0, width - text.size(), '0');
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const std::vector<std::string_view> marked = with_marked_operands(arguments);
    const CommandLine line = parse_or_exit(kUsage, marked);
    check_operand_count(line, 1, 3);
    const std::size_t count = line.operands.size();
    const Decimal first = count > 1 ? number_or_exit(line.operands[0]) : Decimal{1, 0};
    const Decimal step = count > 2 ? number_or_exit(line.operands[1]) : Decimal{1, 0};
    const Decimal last = number_or_exit(line.operands[count - 1]);
    if (step.mantissa == 0) usage_error(concat("invalid Zero increment value: '", line.operands[1], "'"));

    // All numbers are counted in units of the finest fraction that occurs; only FIRST and STEP shape the
    // output.
    const unsigned shown_scale = std::max(first.scale, step.scale);
    const unsigned scale = std::max(shown_scale, last.scale);
    const auto from = rescale(first, scale);
    const auto by = rescale(step, scale);
    const auto to = rescale(last, scale);
    if (!from || !by || !to) give_up(1, "numbers are too large");
    const auto shown = [&](std::int64_t value) {
        std::string text = format_decimal({value, scale});
        if (scale > shown_scale) text.erase(text.size() - (scale - shown_scale) - (shown_scale == 0 ? 1 : 0));
        return text;
    };
    std::size_t width = 0;
    if (line.has('w')) {
        const std::int64_t end = *from + (*to - *from) / *by * *by;
        width = std::max(shown(*from).size(), shown(end).size());
    }
    const std::string_view separator = line.value_of('s', "\n");
    const std::string_view format = line.value_of('f');
    bool any = false;
    for (std::int64_t value = *from; *by > 0 ? value <= *to : value >= *to;) {
        if (any) out().write(separator);
        any = true;
        const std::string text = zero_padded(shown(value), width);
        if (format.empty()) {
            out().write(text);
        } else {
            const std::string_view argument = text;
            out().write(format_arguments(format, std::span(&argument, 1)).text);
        }
        if (__builtin_add_overflow(value, *by, &value)) break;
    }
    if (any) out().put('\n');
    return 0;
}

}  // namespace halfcell::userland
