// sh: the shell.

#include "userland/lib/tool.h"
#include "userland/rt/output.h"
#include "userland/rt/process.h"
#include "userland/sh/builtins.h"
#include "userland/sh/line_input.h"
#include "userland/sh/shell.h"

namespace halfcell::userland {
namespace {

constexpr Usage kUsage{
    "sh",
    "[-abCefimnsuvx] [-o OPTION] [-c COMMANDS [NAME [ARG]...] | FILE [ARG]...]",
    "Runs COMMANDS, or those of FILE, or those of standard input, as POSIX's shell does.\n"
    "A shell that reads a terminal is interactive (-i): it prompts, and controls jobs (-m).\n"
    "+X switches an option off. The options are those of its own command `set`.",
    {},
    2,
    Operands::kLast};

struct Invocation {
    std::optional<std::string> commands;
    std::optional<std::string> file;
};

// What `set` would not understand: -c among the letters.
bool take_command_option(std::vector<std::string>& words) {
    for (std::size_t i = 1; i < words.size() && words[i].size() > 1 && words[i][0] == '-' && words[i] != "--";
         ++i) {
        const std::size_t at = words[i].find('c');
        const bool named = words[i].find('o') != std::string::npos;
        if (at != std::string::npos) {
            words[i].erase(at, 1);
            if (words[i] == "-") words.erase(words.begin() + static_cast<std::ptrdiff_t>(i));
            return true;
        }
        if (named) ++i;
    }
    return false;
}

Invocation parse(sh::Shell& shell, std::vector<std::string> words) {
    const bool has_commands = take_command_option(words);
    std::size_t at = 1;
    bool operands = false;
    if (!parse_options(shell, words, at, operands)) exit_now(2);
    if (at < words.size() && words[at] == "-") ++at;
    std::vector<std::string> rest(words.begin() + static_cast<std::ptrdiff_t>(at), words.end());
    Invocation invocation;
    const auto take_first = [&rest] {
        std::string first = rest.front();
        rest.erase(rest.begin());
        return first;
    };
    if (has_commands) {
        if (rest.empty()) {
            shell.complain("-c requires an argument");
            exit_now(2);
        }
        invocation.commands = take_first();
        if (!rest.empty()) shell.name = take_first();
    } else if (!rest.empty() && !shell.options.has(sh::Option::kStandardIn)) {
        invocation.file = take_first();
        shell.name = *invocation.file;
    }
    shell.positional = std::move(rest);
    return invocation;
}

void begin_interactive(sh::Shell& shell) {
    shell.options.set(sh::Option::kInteractive, true);
    shell.interactive = true;
    shell.traps.begin_interactive();
    if (!shell.set_job_control(true)) shell.complain("can't access tty; job control turned off");
    const auto file = shell.variables.value("ENV");
    if (!file || file->empty()) return;
    Result<UniqueFd> script = sh::open_script(*file);
    if (!script) return;
    sh::FileInput input(std::move(*script));
    shell.run_input(input, false);
    if (shell.flow == sh::Flow::kAbort || shell.flow == sh::Flow::kReturn) shell.flow = sh::Flow::kNone;
}

int run_file(sh::Shell& shell, const std::string& path) {
    Result<UniqueFd> file = sh::open_script(path);
    if (!file) {
        shell.line = 0;
        shell.complain(concat("cannot open ", path, ": ", error_sentence(file.error())));
        return file.error() == Errno::kENOENT ? 127 : 126;
    }
    sh::FileInput input(std::move(*file));
    return shell.run_input(input, false);
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    set_tool(kUsage);
    if (arguments.size() == 1 && arguments[0] == "--help") {
        out().write(help_text(kUsage));
        return 0;
    }
    // Its trees are as deep as programs are, and lives until the process ends.
    sh::Shell& shell = *new sh::Shell;
    std::vector<std::string> words{std::string(process().program_path)};
    words.insert(words.end(), arguments.begin(), arguments.end());
    shell.name = words[0];
    const Invocation invocation = parse(shell, std::move(words));
    const bool reads_standard_input = !invocation.commands && !invocation.file;
    const bool on_terminal = is_terminal(Fd::kStdin) && is_terminal(Fd::kStderr);
    const bool interactive =
        shell.options.has(sh::Option::kInteractive) || (reads_standard_input && on_terminal);
    if (interactive) begin_interactive(shell);
    if (shell.flow != sh::Flow::kNone) shell.finish(shell.status);

    int status = 0;
    if (invocation.commands) {
        sh::StringInput input(*invocation.commands);
        status = shell.run_input(input, false, sh::Tail::kYes);
    } else if (invocation.file) {
        status = run_file(shell, *invocation.file);
    } else {
        shell.options.set(sh::Option::kStandardIn, true);
        sh::StandardInput input(shell, interactive);
        status = shell.run_input(input, interactive);
    }
    shell.finish(status);
}

}  // namespace halfcell::userland
