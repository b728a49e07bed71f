// tr: translates, squeezes or deletes characters.

#include "userland/lib/character_set.h"
#include "userland/lib/tool.h"
#include "userland/rt/input.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'c', "complement", Value::kNone, "", "all characters but those in SET1"},
    {'C', "", Value::kNone, "", "same as -c"},
    {'d', "delete", Value::kNone, "", "delete the characters in SET1"},
    {'s', "squeeze-repeats", Value::kNone, "", "one of several equal characters of the last SET"},
    {'t', "truncate-set1", Value::kNone, "", "SET1 is no longer than SET2"},
};
constexpr Usage kUsage{
    "tr",
    "[OPTION]... SET1 [SET2]",
    "Copies standard input to standard output and replaces each character of SET1 by the one at\n"
    "the same place in SET2. Sets: abc, a-z, [:alpha:], [x*5], [x*], \\n, \\012.",
    kOptions,
    1,
    Operands::kLast};

CharacterSet set_or_exit(std::string_view text) {
    std::string error;
    auto set = parse_character_set(text, error);
    if (!set) give_up(1, error);
    return std::move(*set);
}

struct Plan {
    std::array<std::uint8_t, 256> translation;
    std::array<bool, 256> deleted{};
    std::array<bool, 256> squeezed{};
};

Plan make_plan(const CommandLine& line) {
    const bool remove = line.has('d');
    const bool squeeze = line.has('s');
    const std::size_t operands = line.operands.size();
    if (operands == 0) usage_error("missing operand");
    if (operands == 1 && (remove == squeeze)) {
        usage_error(concat("missing operand after ", quoted(line.operands[0])));
    }
    if (operands > 2 || (operands == 2 && remove && !squeeze)) {
        usage_error(concat("extra operand ", quoted(line.operands[operands > 2 ? 2 : 1])));
    }
    std::vector<std::uint8_t> from = set_or_exit(line.operands[0]).bytes;
    if (line.has('c') || line.has('C')) from = complement(from);
    Plan plan;
    for (unsigned c = 0; c < 256; ++c)
        plan.translation[c] = static_cast<std::uint8_t>(c);
    if (remove) {
        for (const std::uint8_t byte : from)
            plan.deleted[byte] = true;
    }
    if (operands == 1) {
        if (squeeze && !remove) {
            for (const std::uint8_t byte : from)
                plan.squeezed[byte] = true;
        }
        return plan;
    }
    const CharacterSet to = set_or_exit(line.operands[1]);
    if (!remove) {
        if (to.bytes.empty() && !to.filler_at)
            give_up(1, "when not truncating set1, string2 must be non-empty");
        if (line.has('t') && from.size() > to.bytes.size()) from.resize(to.bytes.size());
        plan.translation = translation_table(from, to);
    }
    if (squeeze) {
        // What squeezes is what translation leaves: the bytes of SET2 that are used.
        for (const std::uint8_t byte : to.bytes)
            plan.squeezed[byte] = true;
        if (!remove && to.filler_at) plan.squeezed[to.filler] = true;
    }
    return plan;
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    const Plan plan = make_plan(line);
    const bool plain = !line.has('d') && !line.has('s');
    int last = -1;
    for (;;) {
        const Result<std::size_t> count = read_some(Fd::kStdin, transfer_buffer());
        if (!count) give_up(1, "read error: ", error_sentence(count.error()));
        if (*count == 0) break;
        const std::span<std::byte> bytes = transfer_buffer().first(*count);
        std::size_t kept = 0;
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            const auto byte = static_cast<std::uint8_t>(bytes[i]);
            if (plain) {
                bytes[i] = static_cast<std::byte>(plan.translation[byte]);
                continue;
            }
            if (plan.deleted[byte]) continue;
            const std::uint8_t translated = plan.translation[byte];
            if (plan.squeezed[translated] && last == translated) continue;
            last = translated;
            bytes[kept++] = static_cast<std::byte>(translated);
        }
        out().write(as_text(plain ? bytes : bytes.first(kept)));
        if (*count < transfer_buffer().size()) out().flush();
    }
    return tool_status();
}

}  // namespace halfcell::userland
