// Builtins about commands.

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

}  // namespace halfcell::userland::sh
