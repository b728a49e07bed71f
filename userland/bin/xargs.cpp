// xargs: runs a command with the items of its input as arguments.

#include "userland/lib/number.h"
#include "userland/lib/run_command.h"
#include "userland/lib/split_input.h"
#include "userland/lib/tool.h"
#include "userland/rt/input.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'0', "null", Value::kNone, "", "items end in a NUL, and nothing is special in them"},
    {'I', "replace", Value::kRequired, "TEXT", "one command a line, which replaces TEXT in its words"},
    {'n', "max-args", Value::kRequired, "N", "at most N items a command"},
    {'r', "no-run-if-empty", Value::kNone, "", "no command where there is no item"},
    {'t', "verbose", Value::kNone, "", "show each command on standard error"},
};
constexpr Usage kUsage{
    "xargs",
    "[OPTION]... [COMMAND [ARG]...]",
    "Runs COMMAND (echo) with its arguments and then the items of standard input, which are\n"
    "separated by blanks and newlines; quotes and backslashes protect. Status 123 where a command\n"
    "failed, 124 where one ended with 255, 126 and 127 where it could not run.",
    kOptions,
    1,
    Operands::kLast};

// Well below what fits onto a new program's stack, and below what it takes of its memory.
constexpr std::size_t kMostItems = 5000;
constexpr std::size_t kMostBytes = 128 * 1024;

// Runs one command; true where another one may follow.
bool run_one(const std::vector<std::string>& words, bool shows) {
    if (shows) {
        for (const std::string& word : words)
            err().print(word, &word == &words.back() ? '\n' : ' ');
        err().flush();
    }
    const int status = run_command(words);
    if (status == 0) return true;
    if (status == 255) {
        complain(words[0], ": exited with status 255; aborting");
        set_tool_status(124);
        return false;
    }
    if (status > 128 || status == 126 || status == 127) {
        set_tool_status(status > 128 ? 125 : status);
        return false;
    }
    set_tool_status(123);
    return true;
}

std::string replaced(const std::string& word, std::string_view text, const std::string& item) {
    std::string result;
    std::size_t at = 0;
    for (std::size_t found = word.find(text); found != std::string::npos; found = word.find(text, at)) {
        result.append(word, at, found - at).append(item);
        at = found + text.size();
    }
    return result.append(word, at);
}

void run_replacing(const std::vector<std::string>& command, std::string_view text,
                   const std::vector<std::string>& items, bool shows) {
    for (const std::string& item : items) {
        std::vector<std::string> words;
        for (const std::string& word : command)
            words.push_back(replaced(word, text, item));
        if (!run_one(words, shows)) return;
    }
}

void run_appending(const std::vector<std::string>& command, std::size_t most, std::vector<std::string>& items,
                   bool shows) {
    for (std::size_t at = 0; at < items.size();) {
        std::vector<std::string> words = command;
        std::size_t bytes = 0;
        for (std::size_t count = 0; at < items.size() && count < most && bytes < kMostBytes; ++count) {
            bytes += items[at].size() + 1;
            words.push_back(std::move(items[at++]));
        }
        if (!run_one(words, shows)) return;
    }
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    std::vector<std::string> command = as_words(line.operands);
    if (command.empty()) command = {"echo"};
    std::size_t most = kMostItems;
    if (line.has('n')) {
        const auto number = parse_unsigned(line.value_of('n'));
        if (!number || *number == 0) usage_error(concat("invalid number ", quoted(line.value_of('n'))));
        most = *number < kMostItems ? static_cast<std::size_t>(*number) : kMostItems;
    }
    const std::string_view replacement = line.value_of('I');
    if (line.has('I') && replacement.empty()) usage_error("nothing to replace");
    std::string text;
    if (const Result<void> read = read_rest(Fd::kStdin, text); !read)
        give_up(1, "cannot read standard input: ", error_sentence(read.error()));
    const ItemStyle style = line.has('0')   ? ItemStyle::kNul
                            : line.has('I') ? ItemStyle::kLines
                                            : ItemStyle::kQuoted;
    auto items = split_items(text, style);
    if (!items) give_up(1, "unmatched quote; use -0 for input in which quotes are nothing special");
    if (line.has('I')) {
        run_replacing(command, replacement, *items, line.has('t'));
    } else if (!items->empty()) {
        run_appending(command, most, *items, line.has('t'));
    } else if (!line.has('r')) {
        (void)run_one(command, line.has('t'));
    }
    return tool_status();
}

}  // namespace halfcell::userland
