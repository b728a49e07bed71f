// Builtins about commands.

#include <algorithm>

#include "userland/lib/number.h"
#include "userland/rt/exec.h"
#include "userland/rt/output.h"
#include "userland/sh/builtins.h"

namespace halfcell::userland::sh {
namespace {

enum class Style { kShort, kLong };

// What a name would run, as command -v (kShort) or as type and command -V show it; 127 where it is nothing.
int describe(Shell& shell, const std::string& name, Style style) {
    const auto say = [&](std::string_view long_text, std::string_view short_text) {
        const std::string text =
            style == Style::kLong ? name + std::string(long_text) : std::string(short_text);
        return shell.print(text + "\n") ? 0 : 1;
    };
    if (is_reserved_word(name)) return say(" is a shell keyword", name);
    const Builtin* const builtin = find_builtin(name);
    if (builtin != nullptr && builtin->special) return say(" is a special shell builtin", name);
    if (shell.function(name) != nullptr) return say(" is a shell function", name);
    if (builtin != nullptr) return say(" is a shell builtin", name);
    const Result<std::string> path = find_program(name, shell.value_or("PATH", ""));
    if (path) return say(" is " + *path, *path);
    if (style == Style::kLong) (void)shell.print(name + ": not found\n");
    return 127;
}

}  // namespace

int builtin_command(Shell& shell, Shell::Arguments words) {
    std::size_t at = 1;
    bool describes = false;
    Style style = Style::kShort;
    bool standard_path = false;
    for (; at < words.size() && words[at].starts_with('-') && words[at].size() > 1; ++at) {
        if (words[at] == "--") {
            ++at;
            break;
        }
        for (const char letter : std::string_view(words[at]).substr(1)) {
            if (letter == 'v' || letter == 'V') {
                describes = true;
                style = letter == 'V' ? Style::kLong : Style::kShort;
            } else if (letter == 'p') {
                standard_path = true;
            } else {
                return shell.fail("command", concat("Illegal option -", letter), 2);
            }
        }
    }
    if (at >= words.size()) return 0;
    if (describes) return describe(shell, words[at], style);
    const std::vector<std::string> rest(words.begin() + static_cast<std::ptrdiff_t>(at), words.end());
    if (!standard_path) return shell.run_words(rest, Shell::Lookup::kNoFunctions, Tail::kNo);
    const Variable before = shell.variables.saved("PATH");
    (void)shell.assign("PATH", "/bin:/usr/bin:/scheme/initfs/bin");
    const int status = shell.run_words(rest, Shell::Lookup::kNoFunctions, Tail::kNo);
    shell.variables.restore(before);
    return status;
}

int builtin_type(Shell& shell, Shell::Arguments words) {
    int status = 0;
    for (const std::string& word : words.subspan(1)) {
        const int described = describe(shell, word, Style::kLong);
        if (described != 0) status = described;
    }
    return status;
}

// Nothing is remembered, so there is nothing to show or to forget; names are looked up.
int builtin_hash(Shell& shell, Shell::Arguments words) {
    int status = 0;
    for (const std::string& word : words.subspan(1)) {
        if (word == "-r" || find_builtin(word) != nullptr || shell.function(word) != nullptr) continue;
        if (!find_program(word, shell.value_or("PATH", "")))
            status = shell.fail("hash", word + ": not found");
    }
    return status;
}

int builtin_help(Shell& shell, Shell::Arguments) {
    std::string text = "sh: a POSIX shell. Commands of its own:\n";
    std::string line = " ";
    for (const Builtin& builtin : all_builtins()) {
        constexpr std::size_t kWidth = 78;
        if (line.size() + 1 + builtin.name.size() > kWidth) {
            text += line + '\n';
            line = " ";
        }
        line.append(" ").append(builtin.name);
    }
    text += line + "\nEvery other name is a program, looked for in PATH:\n  " + shell.value_or("PATH", "") +
            "\n`ls /scheme/initfs/bin` shows those that halfcell carries; each has --help.\n";
    return shell.print(text) ? 0 : 1;
}

// The lines that have been typed, with numbers; with an operand only so many, the last ones.
int builtin_history(Shell& shell, Shell::Arguments words) {
    if (shell.history == nullptr) return 0;
    const std::vector<std::string>& lines = *shell.history;
    std::size_t first = 0;
    if (words.size() > 1) {
        const auto count = parse_unsigned(words[1]);
        if (!count) return shell.fail("history", "Illegal number: " + words[1], 2);
        first = lines.size() - static_cast<std::size_t>(std::min<std::uint64_t>(*count, lines.size()));
    }
    std::string text;
    for (std::size_t i = first; i < lines.size(); ++i)
        text += concat(pad_left(decimal(i + 1), 5), "  ", lines[i], "\n");
    return shell.print(text) ? 0 : 1;
}

}  // namespace halfcell::userland::sh
