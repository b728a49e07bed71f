// head: prints the first part of files.

#include <algorithm>

#include "userland/lib/number.h"
#include "userland/lib/tool.h"
#include "userland/rt/file.h"
#include "userland/rt/input.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'c', "bytes", Value::kRequired, "[-]N", "the first N bytes; with -, all but the last N"},
    {'n', "lines", Value::kRequired, "[-]N", "the first N lines (10); with -, all but the last N"},
    {'q', "quiet", Value::kNone, "", "no headers with the names of files"},
    {'v', "verbose", Value::kNone, "", "always print headers"},
    {'z', "zero-terminated", Value::kNone, "", "lines end in NUL"},
};
constexpr Usage kUsage{"head", "[OPTION]... [FILE]...",
                       "Prints the first 10 lines of each FILE. No FILE, or -, is standard input.", kOptions};

struct Amount {
    std::uint64_t count = 10;
    bool bytes = false;
    bool from_end = false;
};

Amount parse_amount(std::string_view text, bool bytes) {
    Amount amount;
    amount.bytes = bytes;
    amount.from_end = text.starts_with('-');
    const std::string_view number = amount.from_end ? text.substr(1) : text;
    const auto count = parse_size(number);
    if (!count) give_up(1, "invalid number of ", bytes ? "bytes" : "lines", ": '", text, "'");
    amount.count = *count;
    return amount;
}

// How much of `text` is still wanted; `left` is what remains of the count.
std::size_t wanted(std::string_view text, const Amount& amount, char delimiter, std::uint64_t& left) {
    if (amount.bytes) {
        const std::size_t size = std::min<std::uint64_t>(left, text.size());
        left -= size;
        return size;
    }
    std::size_t at = 0;
    while (left > 0) {
        const std::size_t end = text.find(delimiter, at);
        if (end == std::string_view::npos) return text.size();
        at = end + 1;
        --left;
    }
    return at;
}

Result<void> print_first(Fd file, const Amount& amount, char delimiter) {
    std::uint64_t left = amount.count;
    while (left > 0) {
        std::span<std::byte> buffer = transfer_buffer();
        if (amount.bytes && left < buffer.size()) buffer = buffer.first(left);
        const std::size_t count = RT_TRY(read_some(file, buffer));
        if (count == 0) break;
        const std::string_view text = as_text(buffer.first(count));
        const std::size_t used = wanted(text, amount, delimiter, left);
        out().write(text.substr(0, used));
        // What is not printed belongs to whoever reads this file next.
        if (used < count && seekable_rest(file)) {
            (void)sys_lseek(file, -static_cast<std::int64_t>(count - used), abi::SeekWhence::kCur);
        }
    }
    return {};
}

Result<void> print_all_but_last(Fd file, const Amount& amount, char delimiter) {
    std::string text;
    RT_TRY(read_rest(file, text));
    if (amount.bytes) {
        out().write(std::string_view(text).substr(
            0, text.size() - std::min<std::uint64_t>(amount.count, text.size())));
        return {};
    }
    std::size_t end = text.size();
    std::uint64_t left = amount.count;
    while (left > 0 && end > 0) {
        const std::size_t previous = end >= 2 ? text.rfind(delimiter, end - 2) : std::string::npos;
        end = previous == std::string::npos ? 0 : previous + 1;
        --left;
    }
    out().write(std::string_view(text).substr(0, end));
    return {};
}

// "head -5" is an old way to write "head -n 5".
std::vector<std::string_view> without_old_syntax(std::span<const std::string_view> arguments,
                                                 Amount& amount) {
    std::vector<std::string_view> rest(arguments.begin(), arguments.end());
    if (rest.empty() || rest[0].size() < 2 || rest[0][0] != '-') return rest;
    const auto count = parse_unsigned(rest[0].substr(1));
    if (!count) return rest;
    amount.count = *count;
    rest.erase(rest.begin());
    return rest;
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    Amount amount;
    const std::vector<std::string_view> rest = without_old_syntax(arguments, amount);
    const CommandLine line = parse_or_exit(kUsage, rest);
    for (const GivenOption& option : line.options) {
        if (option.id == 'c' || option.id == 'n') amount = parse_amount(option.value, option.id == 'c');
    }
    const char delimiter = line.has('z') ? '\0' : '\n';
    const auto files = files_or_stdin(line);
    const bool headers = line.has('v') || (files.size() > 1 && !line.has('q'));
    bool first = true;
    for (const std::string_view path : files) {
        UniqueFd file;
        if (!open_input(path, file, Complaint::kSentence)) continue;
        if (headers) {
            out().print(first ? "" : "\n", "==> ", path == "-" ? std::string_view("standard input") : path,
                        " <==\n");
        }
        first = false;
        const Result<void> result = amount.from_end ? print_all_but_last(file.fd(), amount, delimiter)
                                                    : print_first(file.fd(), amount, delimiter);
        if (!result) complain("error reading '", path, "': ", error_sentence(result.error()));
    }
    return tool_status();
}

}  // namespace halfcell::userland
