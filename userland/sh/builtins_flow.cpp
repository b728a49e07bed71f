// Builtins that decide what runs next.

#include "userland/lib/number.h"
#include "userland/rt/exec.h"
#include "userland/rt/file.h"
#include "userland/rt/output.h"
#include "userland/rt/path.h"
#include "userland/rt/process.h"
#include "userland/sh/builtins.h"
#include "userland/sh/line_input.h"

namespace halfcell::userland::sh {
namespace {

// The optional number behind the name; nothing after a message.
std::optional<int> number_of(Shell& shell, Shell::Arguments words, int otherwise) {
    if (words.size() < 2) return otherwise;
    const auto number = parse_unsigned(words[1]);
    if (number && *number <= 0x7fffffff) return static_cast<int>(*number);
    (void)shell.abort(concat(words[0], ": Illegal number: ", words[1]));
    return {};
}

int leave_loops(Shell& shell, Shell::Arguments words, Flow flow) {
    const std::optional<int> count = number_of(shell, words, 1);
    if (!count) return 2;
    if (*count < 1) return shell.abort(concat(words[0], ": Illegal number: ", words[1]));
    if (shell.loops == 0) return 0;
    shell.flow = flow;
    shell.flow_count = *count < shell.loops ? *count : shell.loops;
    return 0;
}

// The file of `.`: in PATH where the name has no slash.
Result<UniqueFd> open_sourced(Shell& shell, const std::string& name) {
    if (name.find('/') != std::string::npos) return open_script(name);
    const std::string path = shell.value_or("PATH", "");
    std::string_view rest = path;
    for (;;) {
        const std::size_t colon = rest.find(':');
        const std::string_view directory = rest.substr(0, colon);
        Result<UniqueFd> file = open_script(directory.empty() ? name : join_path(directory, name));
        if (file || colon == std::string_view::npos) return file;
        rest.remove_prefix(colon + 1);
    }
}

}  // namespace

int builtin_true(Shell&, Shell::Arguments) {
    return 0;
}

int builtin_false(Shell&, Shell::Arguments) {
    return 1;
}

int builtin_break(Shell& shell, Shell::Arguments words) {
    return leave_loops(shell, words, Flow::kBreak);
}

int builtin_continue(Shell& shell, Shell::Arguments words) {
    return leave_loops(shell, words, Flow::kContinue);
}

int builtin_return(Shell& shell, Shell::Arguments words) {
    const std::optional<int> number = number_of(shell, words, shell.status);
    if (!number) return 2;
    shell.status = *number & 255;
    // Outside of functions and files it ends what is read, as exit does.
    shell.flow = shell.functions_called > 0 || shell.files_sourced > 0 ? Flow::kReturn : Flow::kExit;
    return shell.status;
}

int builtin_exit(Shell& shell, Shell::Arguments words) {
    const std::optional<int> number = number_of(shell, words, shell.status);
    if (!number) return 2;
    shell.status = *number & 255;
    shell.flow = Flow::kExit;
    return shell.status;
}

int builtin_eval(Shell& shell, Shell::Arguments words) {
    std::string text;
    for (const std::string& word : words.subspan(1))
        text.append(text.empty() ? "" : " ").append(word);
    if (stack_is_low()) return shell.abort("eval: nested too deeply");
    const int line = shell.line;
    StringInput input(text);
    shell.status = 0;
    const int status = shell.run_input(input, false);
    shell.line = line;
    return status;
}

int builtin_source(Shell& shell, Shell::Arguments words) {
    if (words.size() < 2) return shell.abort(".: missing file name");
    if (stack_is_low()) return shell.abort(".: nested too deeply");
    Result<UniqueFd> file = open_sourced(shell, words[1]);
    if (!file) {
        const bool lost = file.error() == Errno::kENOENT;
        return shell.abort(concat(".: ", words[1], ": ",
                                  lost ? "not found" : std::string_view(abi::errno_text(file.error()))));
    }
    FileInput input(std::move(*file));
    const int line = shell.line;
    const int loops = shell.loops;
    shell.line = 1;
    shell.loops = 0;
    ++shell.files_sourced;
    shell.status = 0;
    const int status = shell.run_input(input, false);
    --shell.files_sourced;
    shell.loops = loops;
    shell.line = line;
    if (shell.flow == Flow::kReturn) shell.flow = Flow::kNone;
    return status;
}

int builtin_exec(Shell& shell, Shell::Arguments words) {
    std::vector<std::string> command(words.begin() + 1, words.end());
    if (!command.empty() && command[0] == "--") command.erase(command.begin());
    // Without a command there is nothing left to do: the redirections stay.
    if (command.empty()) return 0;
    if (!shell.interactive) shell.execute(command);
    // A shell with a user survives a program that cannot be run.
    const Result<std::string> path = find_program(command[0], shell.value_or("PATH", ""));
    if (!path) return shell.fail("exec", concat(command[0], ": not found"), 127);
    shell.traps.end_interactive();
    const Errno problem = exec_program(*path, command, shell.environment());
    shell.traps.begin_interactive();
    const bool foreign = problem == Errno::kENOEXEC && is_linux_program(*path);
    const std::string_view reason = foreign ? kLinuxProgram : std::string_view(abi::errno_text(problem));
    return shell.fail("exec", concat(command[0], ": ", reason), 126);
}

}  // namespace halfcell::userland::sh
