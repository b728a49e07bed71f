// tail: prints the last part of files.

#include <algorithm>
#include <vector>

#include "userland/lib/number.h"
#include "userland/lib/tool.h"
#include "userland/rt/file.h"
#include "userland/rt/input.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'c', "bytes", Value::kRequired, "[+]N", "the last N bytes; with +, all from byte N on"},
    {'f', "follow", Value::kNone, "", "go on as the last file grows"},
    {'n', "lines", Value::kRequired, "[+]N", "the last N lines (10); with +, all from line N on"},
    {'q', "quiet", Value::kNone, "", "no headers with the names of files"},
    {'v', "verbose", Value::kNone, "", "always print headers"},
    {'z', "zero-terminated", Value::kNone, "", "lines end in NUL"},
};
constexpr Usage kUsage{"tail", "[OPTION]... [FILE]...",
                       "Prints the last 10 lines of each FILE. No FILE, or -, is standard input.", kOptions};

struct Amount {
    std::uint64_t count = 10;
    bool bytes = false;
    bool from_start = false;
};

Amount parse_amount(std::string_view text, bool bytes) {
    Amount amount;
    amount.bytes = bytes;
    amount.from_start = text.starts_with('+');
    const bool sign = amount.from_start || text.starts_with('-');
    const auto count = parse_size(sign ? text.substr(1) : text);
    if (!count) give_up(1, "invalid number of ", bytes ? "bytes" : "lines", ": '", text, "'");
    amount.count = *count;
    return amount;
}

Result<void> copy_rest(Fd file) {
    for (;;) {
        const std::size_t count = RT_TRY(read_some(file, transfer_buffer()));
        if (count == 0) return {};
        out().write(as_text(transfer_buffer().first(count)));
    }
}

// Everything from byte or line N on.
Result<void> print_from(Fd file, const Amount& amount, char delimiter) {
    std::uint64_t skip = amount.count > 0 ? amount.count - 1 : 0;
    while (skip > 0) {
        const std::size_t count = RT_TRY(read_some(file, transfer_buffer()));
        if (count == 0) return {};
        std::string_view text = as_text(transfer_buffer().first(count));
        while (skip > 0 && !text.empty()) {
            const std::size_t end =
                amount.bytes ? std::min<std::uint64_t>(skip, text.size()) - 1 : text.find(delimiter);
            if (end == std::string_view::npos) {
                text = {};
                break;
            }
            skip -= amount.bytes ? end + 1 : 1;
            text.remove_prefix(end + 1);
        }
        out().write(text);
    }
    return copy_rest(file);
}

// Offset in `text` where its last `count` lines begin; npos where it has fewer.
std::size_t last_lines(std::string_view text, std::uint64_t count, char delimiter) {
    if (count == 0) return text.size();
    std::size_t end = text.size();
    if (end > 0 && text[end - 1] == delimiter) --end;
    for (;;) {
        const std::size_t previous = end > 0 ? text.rfind(delimiter, end - 1) : std::string_view::npos;
        if (previous == std::string_view::npos) return previous;
        if (--count == 0) return previous + 1;
        end = previous;
    }
}

// The end of a file that can be positioned, without reading all of it: the window grows until it holds
// enough.
Result<bool> print_seekable_end(Fd file, const Amount& amount, char delimiter) {
    const std::optional<std::uint64_t> rest = seekable_rest(file);
    if (!rest || *rest == 0) return false;
    const std::uint64_t end = RT_TRY(sys_lseek(file, 0, abi::SeekWhence::kCur)) + *rest;
    std::uint64_t window = amount.bytes ? amount.count : std::uint64_t{64} * 1024;
    for (;;) {
        window = std::min(window, *rest);
        RT_TRY(sys_lseek(file, static_cast<std::int64_t>(end - window), abi::SeekWhence::kSet));
        if (amount.bytes) {
            RT_TRY(copy_rest(file));
            return true;
        }
        std::string text;
        RT_TRY(read_rest(file, text));
        const std::size_t begin = last_lines(text, amount.count, delimiter);
        if (begin != std::string_view::npos || window == *rest) {
            out().write(std::string_view(text).substr(begin == std::string_view::npos ? 0 : begin));
            return true;
        }
        window *= 8;
    }
}

Result<void> print_last(Fd file, const Amount& amount, char delimiter) {
    if (RT_TRY(print_seekable_end(file, amount, delimiter))) return {};
    std::string text;
    RT_TRY(read_rest(file, text));
    const std::string_view all = text;
    std::size_t begin = amount.bytes ? all.size() - std::min<std::uint64_t>(amount.count, all.size())
                                     : last_lines(all, amount.count, delimiter);
    if (begin == std::string_view::npos) begin = 0;
    out().write(all.substr(begin));
    return {};
}

// Shows what is added to the file, looking twice a second, until the program is ended.
[[noreturn]] void follow(Fd file) {
    for (;;) {
        if (!copy_rest(file)) exit_program(1);
        out().flush();
        (void)sys_nanosleep({0, 500'000'000});
    }
}

// "tail -5" and "tail +5" are old ways to write "tail -n 5" and "tail -n +5"; a final c or l gives the unit.
std::vector<std::string_view> without_old_syntax(std::span<const std::string_view> arguments,
                                                 Amount& amount) {
    std::vector<std::string_view> rest(arguments.begin(), arguments.end());
    if (rest.empty() || rest[0].size() < 2 || (rest[0][0] != '-' && rest[0][0] != '+')) return rest;
    std::string_view number = rest[0].substr(1);
    const bool bytes = number.ends_with('c');
    if (bytes || number.ends_with('l')) number.remove_suffix(1);
    const auto count = parse_unsigned(number);
    if (!count) return rest;
    amount = {*count, bytes, rest[0][0] == '+'};
    rest.erase(rest.begin());
    return rest;
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    Amount amount;
    set_tool(kUsage);
    const std::vector<std::string_view> rest = without_old_syntax(arguments, amount);
    const CommandLine line = parse_or_exit(kUsage, rest);
    for (const GivenOption& option : line.options) {
        if (option.id == 'c' || option.id == 'n') amount = parse_amount(option.value, option.id == 'c');
    }
    const char delimiter = line.has('z') ? '\0' : '\n';
    const auto files = files_or_stdin(line);
    const bool headers = line.has('v') || (files.size() > 1 && !line.has('q'));
    bool first = true;
    UniqueFd last;
    for (const std::string_view path : files) {
        UniqueFd file;
        if (!open_input(path, file, Complaint::kSentence)) continue;
        if (headers) {
            out().print(first ? "" : "\n", "==> ", path == "-" ? std::string_view("standard input") : path,
                        " <==\n");
        }
        first = false;
        const Result<void> result = amount.from_start ? print_from(file.fd(), amount, delimiter)
                                                      : print_last(file.fd(), amount, delimiter);
        if (!result) complain("error reading '", path, "': ", error_sentence(result.error()));
        last = std::move(file);
    }
    if (line.has('f') && last.fd() != Fd::kNone) follow(last.fd());
    return tool_status();
}

}  // namespace halfcell::userland
