// read and getopts.

#include <array>

#include "userland/lib/number.h"
#include "userland/rt/output.h"
#include "userland/sh/builtins.h"
#include "userland/sh/characters.h"
#include "userland/sh/line_input.h"

namespace halfcell::userland::sh {
namespace {

struct LogicalLine {
    std::string text;
    std::vector<bool> escaped;  // For each character whether a backslash was in front of it.
    bool complete = false;      // A newline ended it.
    bool interrupted = false;
};

// One line; unless `raw`, a backslash keeps the next character from its meaning and joins lines.
LogicalLine read_logical_line(Shell& shell, bool raw) {
    LogicalLine line;
    std::string piece;
    for (;;) {
        const Result<void> piece_read = read_line_exactly(Fd::kStdin, piece);
        if (!piece_read && piece_read.error() == Errno::kEINTR) {
            shell.run_pending_traps();
            line.interrupted = Traps::interrupted() || shell.flow != Flow::kNone;
            if (line.interrupted) return line;
            continue;
        }
        if (!piece_read || piece.empty()) return line;
        bool joined = false;
        for (std::size_t i = 0; i < piece.size(); ++i) {
            char c = piece[i];
            const bool escapes = !raw && c == '\\' && i + 1 < piece.size();
            if (escapes) c = piece[++i];
            if (c == '\n') {
                joined = escapes;
                line.complete = !escapes;
                break;
            }
            if (c == '\0') continue;
            line.text.push_back(c);
            line.escaped.push_back(escapes);
        }
        if (!joined) return line;
        piece.clear();
    }
}

// The error and status of a getopts that met something wrong.
void report_option(Shell& shell, bool silent, std::string_view what, char letter) {
    if (silent) {
        (void)shell.assign("OPTARG", std::string_view(&letter, 1));
        return;
    }
    (void)shell.variables.unset("OPTARG");
    (void)write_all(Fd::kStderr, concat(what, letter, '\n'));
}

}  // namespace

int builtin_read(Shell& shell, Shell::Arguments words) {
    bool raw = false;
    std::size_t at = 1;
    for (; at < words.size() && words[at].starts_with('-') && words[at].size() > 1; ++at) {
        if (words[at] == "--") {
            ++at;
            break;
        }
        if (words[at] == "-r") {
            raw = true;
        } else if (words[at] == "-p" && at + 1 < words.size()) {
            if (is_terminal(Fd::kStdin)) (void)write_all(Fd::kStderr, words[at + 1]);
            ++at;
        } else {
            return shell.fail("read", "Illegal option " + words[at], 2);
        }
    }
    const Shell::Arguments names = words.subspan(at);
    if (names.empty()) return shell.fail("read", "arg count", 2);
    for (const std::string& name : names) {
        if (!is_name(name)) return shell.fail("read", name + ": bad variable name", 2);
    }
    const LogicalLine line = read_logical_line(shell, raw);
    if (line.interrupted) return 128 + static_cast<int>(abi::Signal::kInt);
    const std::vector<std::string> fields =
        split_line(line.text, line.escaped, shell.value_or("IFS", " \t\n"), names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (!shell.assign(names[i], i < fields.size() ? std::string_view(fields[i]) : std::string_view()))
            return shell.status;
    }
    return line.complete ? 0 : 1;
}

int builtin_getopts(Shell& shell, Shell::Arguments words) {
    if (words.size() < 3) return shell.fail("getopts", "Usage: getopts optstring var [arg...]", 2);
    const std::string& options = words[1];
    const std::string& variable = words[2];
    const Shell::Arguments arguments =
        words.size() > 3 ? words.subspan(3) : Shell::Arguments(shell.positional);
    const bool silent = options.starts_with(':');
    const std::string index_text = shell.value_or("OPTIND", "1");
    // An OPTIND that the script has set begins a new round.
    if (index_text != shell.option_index) shell.option_offset = 0;
    std::size_t index = static_cast<std::size_t>(parse_unsigned(index_text).value_or(1));
    if (index == 0) index = 1;
    const auto remember = [&](std::string_view result) {
        shell.option_index = decimal(index);
        return shell.assign("OPTIND", shell.option_index) && shell.assign(variable, result);
    };
    if (shell.option_offset == 0) {
        const bool is_option = index <= arguments.size() && arguments[index - 1].size() > 1 &&
                               arguments[index - 1].starts_with('-');
        const bool ends = is_option && arguments[index - 1] == "--";
        if (ends) ++index;
        if (!is_option || ends) {
            (void)shell.variables.unset("OPTARG");
            return remember("?") ? 1 : shell.status;
        }
        // From its first letter on, OPTIND is the number of the argument behind.
        ++index;
        shell.option_offset = 1;
    }
    if (index < 2 || index - 1 > arguments.size() || shell.option_offset >= arguments[index - 2].size()) {
        shell.option_offset = 0;
        return remember("?") ? 1 : shell.status;
    }
    const std::string& argument = arguments[index - 2];
    const char letter = argument[shell.option_offset++];
    const bool last_letter = shell.option_offset == argument.size();
    const std::size_t known = letter == ':' ? std::string::npos : options.find(letter);
    std::string result(1, letter);
    if (known == std::string::npos) {
        report_option(shell, silent, "Illegal option -", letter);
        result = "?";
    } else if (known + 1 >= options.size() || options[known + 1] != ':') {
        (void)shell.variables.unset("OPTARG");
    } else {
        if (!last_letter) {
            (void)shell.assign("OPTARG", std::string_view(argument).substr(shell.option_offset));
        } else if (index <= arguments.size()) {
            (void)shell.assign("OPTARG", arguments[index - 1]);
            ++index;
        } else {
            report_option(shell, silent, "No arg for -", letter);
            result = silent ? ":" : "?";
        }
        shell.option_offset = 0;
        return remember(result) ? 0 : shell.status;
    }
    if (last_letter) shell.option_offset = 0;
    return remember(result) ? 0 : shell.status;
}

}  // namespace halfcell::userland::sh
