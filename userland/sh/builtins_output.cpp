// echo, printf, test and pwd.

#include "userland/lib/escape.h"
#include "userland/lib/print_format.h"
#include "userland/lib/test_expression.h"
#include "userland/rt/file.h"
#include "userland/rt/output.h"
#include "userland/rt/process.h"
#include "userland/sh/builtins.h"

namespace halfcell::userland::sh {
namespace {

std::vector<std::string_view> views(Shell::Arguments words) {
    return {words.begin(), words.end()};
}

}  // namespace

// As XSI has it: escapes are always understood, and -n is the only option.
int builtin_echo(Shell& shell, Shell::Arguments words) {
    Shell::Arguments operands = words.subspan(1);
    const bool newline = operands.empty() || operands[0] != "-n";
    if (!newline) operands = operands.subspan(1);
    std::string text;
    bool first = true;
    for (const std::string& operand : operands) {
        if (!first) text.push_back(' ');
        first = false;
        const Unescaped piece = unescape(operand, OctalStyle::kZeroPrefixed);
        text.append(piece.text);
        if (piece.stopped) return shell.print(text) ? 0 : 1;
    }
    if (newline) text.push_back('\n');
    return shell.print(text) ? 0 : 1;
}

int builtin_printf(Shell& shell, Shell::Arguments words) {
    std::vector<std::string_view> operands = views(words.subspan(1));
    if (!operands.empty() && operands[0] == "--") operands.erase(operands.begin());
    if (operands.empty()) return shell.fail("printf", "usage: printf format [arg ...]", 2);
    const Formatted result = format_arguments(operands[0], std::span(operands).subspan(1));
    int status = shell.print(result.text) ? 0 : 1;
    for (const std::string& complaint : result.complaints)
        status = shell.fail("printf", complaint);
    if (!result.error.empty()) status = shell.fail("printf", result.error);
    return status;
}

int builtin_test(Shell& shell, Shell::Arguments words) {
    std::vector<std::string_view> operands = views(words.subspan(1));
    if (words[0] == "[") {
        if (operands.empty() || operands.back() != "]") return shell.fail("[", "missing ]", 2);
        operands.pop_back();
    }
    std::string error;
    const int status = evaluate_test(operands, error);
    return error.empty() ? status : shell.fail(words[0], error, status);
}

int builtin_pwd(Shell& shell, Shell::Arguments words) {
    const bool physical = words.size() > 1 && words[1] == "-P";
    if (!physical) return shell.print(process().working_directory + "\n") ? 0 : 1;
    const Result<std::string> path = real_path(".");
    if (!path) return shell.fail("pwd", std::string_view(abi::errno_text(path.error())));
    return shell.print(*path + "\n") ? 0 : 1;
}

}  // namespace halfcell::userland::sh
