// Builtins for variables, positional parameters and options.

#include "userland/lib/number.h"
#include "userland/rt/output.h"
#include "userland/sh/builtins.h"
#include "userland/sh/characters.h"

namespace halfcell::userland::sh {
namespace {

struct NameAndValue {
    std::string_view name;
    std::optional<std::string_view> value;
};

NameAndValue split_assignment(std::string_view word) {
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) return {word, {}};
    return {word.substr(0, equals), word.substr(equals + 1)};
}

// "export" and "readonly" alone, and with -p, show what has the attribute.
int show(Shell& shell, std::string_view command, bool Variable::*attribute) {
    std::string text;
    for (const Variable& variable : shell.variables.all()) {
        if (!(variable.*attribute)) continue;
        text += std::string(command) + " " + variable.name;
        if (variable.value) text += "=" + single_quoted(*variable.value);
        text += "\n";
    }
    return shell.print(text) ? 0 : 1;
}

int mark(Shell& shell, Shell::Arguments words, bool Variable::*attribute,
         void (Variables::*set)(std::string_view)) {
    Shell::Arguments operands = words.subspan(1);
    const bool shows = !operands.empty() && operands[0] == "-p";
    if (shows || (!operands.empty() && operands[0] == "--")) operands = operands.subspan(1);
    if (operands.empty()) return show(shell, words[0], attribute);
    for (const std::string& word : operands) {
        const NameAndValue pair = split_assignment(word);
        if (!is_name(pair.name)) return shell.abort(concat(words[0], ": ", word, ": bad variable name"));
        if (pair.value && !shell.assign(pair.name, *pair.value)) return shell.status;
        (shell.variables.*set)(pair.name);
    }
    return 0;
}

int show_variables(Shell& shell) {
    std::string text;
    for (const Variable& variable : shell.variables.all()) {
        if (variable.value) text += variable.name + "=" + single_quoted(*variable.value) + "\n";
    }
    return shell.print(text) ? 0 : 1;
}

int show_options(Shell& shell, bool as_commands) {
    std::string text = as_commands ? "" : "Current option settings\n";
    for (unsigned i = 0; i < static_cast<unsigned>(Option::kCount); ++i) {
        const auto option = static_cast<Option>(i);
        const bool on = shell.options.has(option);
        text += as_commands ? std::string("set ") + (on ? "-o " : "+o ") + std::string(name_of(option)) + "\n"
                            : pad_right(name_of(option), 16) + (on ? "on\n" : "off\n");
    }
    return shell.print(text) ? 0 : 1;
}

}  // namespace

std::string single_quoted(std::string_view text) {
    std::string quoted = "'";
    for (const char c : text)
        quoted.append(c == '\'' ? "'\"'\"'" : std::string(1, c));
    return quoted + "'";
}

int builtin_export(Shell& shell, Shell::Arguments words) {
    return mark(shell, words, &Variable::exported, &Variables::set_exported);
}

int builtin_readonly(Shell& shell, Shell::Arguments words) {
    return mark(shell, words, &Variable::read_only, &Variables::set_read_only);
}

int builtin_unset(Shell& shell, Shell::Arguments words) {
    std::size_t at = 1;
    bool functions = false;
    bool variables = false;
    for (; at < words.size() && words[at].starts_with('-') && words[at].size() > 1; ++at) {
        if (words[at] == "--") {
            ++at;
            break;
        }
        functions = functions || words[at] == "-f";
        variables = variables || words[at] == "-v";
        if (words[at] != "-f" && words[at] != "-v") return shell.abort("unset: Illegal option " + words[at]);
    }
    for (; at < words.size(); ++at) {
        if (functions) {
            (void)shell.remove_function(words[at]);
            continue;
        }
        if (!is_name(words[at])) return shell.abort(concat("unset: ", words[at], ": bad variable name"));
        const bool known = shell.variables.find(words[at]) != nullptr;
        if (!shell.variables.unset(words[at]))
            return shell.abort(concat("unset: ", words[at], ": is read only"));
        if (!known && !variables) (void)shell.remove_function(words[at]);
    }
    return 0;
}

int builtin_local(Shell& shell, Shell::Arguments words) {
    if (shell.functions_called == 0) return shell.abort("local: not in a function");
    for (const std::string& word : words.subspan(1)) {
        const NameAndValue pair = split_assignment(word);
        if (!is_name(pair.name)) return shell.abort(concat("local: ", word, ": bad variable name"));
        (void)shell.variables.make_local(pair.name);
        if (pair.value && !shell.assign(pair.name, *pair.value)) return shell.status;
    }
    return 0;
}

int builtin_shift(Shell& shell, Shell::Arguments words) {
    std::uint64_t count = 1;
    if (words.size() > 1) {
        const auto number = parse_unsigned(words[1]);
        if (!number) return shell.abort(concat("shift: Illegal number: ", words[1]));
        count = *number;
    }
    if (count > shell.positional.size()) return shell.abort("shift: can't shift that many");
    shell.positional.erase(shell.positional.begin(),
                           shell.positional.begin() + static_cast<std::ptrdiff_t>(count));
    return 0;
}

bool parse_options(Shell& shell, Shell::Arguments words, std::size_t& at, bool& operands) {
    operands = false;
    for (; at < words.size(); ++at) {
        const std::string& word = words[at];
        if (word.size() < 2 || (word[0] != '-' && word[0] != '+')) return true;
        if (word == "--") {
            ++at;
            operands = true;
            return true;
        }
        const bool on = word[0] == '-';
        for (const char letter : std::string_view(word).substr(1)) {
            std::optional<Option> option = option_of_letter(letter);
            if (letter == 'o') {
                if (at + 1 == words.size()) {
                    (void)show_options(shell, !on);
                    continue;
                }
                option = option_of_name(words[++at]);
            }
            if (!option) {
                shell.complain(letter == 'o' ? "Illegal option -o " + words[at]
                                             : concat("Illegal option -", letter));
                return false;
            }
            if (*option == Option::kMonitor && shell.pid != 0) {
                if (!shell.set_job_control(on)) shell.complain("can't access tty; job control turned off");
            } else {
                shell.options.set(*option, on);
            }
        }
    }
    return true;
}

int builtin_set(Shell& shell, Shell::Arguments words) {
    if (words.size() == 1) return show_variables(shell);
    std::size_t at = 1;
    bool operands = false;
    if (!parse_options(shell, words, at, operands))
        return shell.abort("set: usage: set [-abCefmnuvx] [word...]");
    if (operands || at < words.size())
        shell.positional.assign(words.begin() + static_cast<std::ptrdiff_t>(at), words.end());
    return 0;
}

}  // namespace halfcell::userland::sh
