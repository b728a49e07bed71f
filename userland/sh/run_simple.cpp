// Simple commands: assignments, functions, builtins, programs.

#include "userland/lib/print_format.h"
#include "userland/rt/exec.h"
#include "userland/rt/output.h"
#include "userland/rt/process.h"
#include "userland/sh/builtins.h"
#include "userland/sh/line_input.h"
#include "userland/sh/shell.h"

namespace halfcell::userland::sh {
namespace {

// Their operands NAME=VALUE are assignments and do not split.
bool is_declaration(std::string_view name) {
    return name == "export" || name == "readonly" || name == "local";
}

// How the list of jobs shows a command that was started by itself and stopped.
std::string job_text(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words)
        text.append(text.empty() ? "" : " ").append(shell_quoted(word));
    return text;
}

}  // namespace

int Shell::run_simple(const Command& command, const SimpleCommand& simple, Tail tail) {
    line = command.line;
    substitution_status_.reset();
    std::vector<std::string> words;
    if (!expand_words(simple, words)) return status;
    if (words.empty()) return run_assignments(command, simple);
    const Builtin* const builtin = find_builtin(words.front());
    if (builtin != nullptr && builtin->special) return run_in_shell(command, simple, words, true, tail);
    if (builtin != nullptr || function(words.front()) != nullptr)
        return run_in_shell(command, simple, words, false, tail);
    return run_program(command, simple, words, tail);
}

bool Shell::expand_words(const SimpleCommand& simple, std::vector<std::string>& words) {
    Expander expander(*this);
    bool declares = false;
    bool first = true;
    for (const Word& word : simple.words) {
        const std::string_view text = literal_text(word);
        if (first) {
            declares = is_declaration(text);
            first = text == "command";
        }
        const std::optional<Assignment> assignment = declares ? as_assignment(word) : std::nullopt;
        if (assignment) {
            std::string value;
            if (expander.assigned(assignment->value, value)) {
                words.push_back(assignment->name + "=" + value);
                continue;
            }
        } else if (expander.fields(word, words)) {
            continue;
        }
        (void)abort(expander.error());
        return false;
    }
    return true;
}

bool Shell::assign_all(const std::vector<Assignment>& assignments, std::vector<Variable>* before) {
    Expander expander(*this);
    for (const Assignment& assignment : assignments) {
        std::string value;
        if (!expander.assigned(assignment.value, value)) {
            (void)abort(expander.error());
            return false;
        }
        if (before != nullptr) before->push_back(variables.saved(assignment.name));
        if (!assign(assignment.name, value)) return false;
        if (before != nullptr) variables.set_exported(assignment.name);
        if (options.has(Option::kTrace)) trace({assignment.name + "=" + value});
    }
    return true;
}

int Shell::run_assignments(const Command& command, const SimpleCommand& simple) {
    Expander expander(*this);
    {
        Redirections redirections;
        if (!redirections.apply(command.redirections, expander, options.has(Option::kNoClobber),
                                Redirections::Keep::kUndo)) {
            complain(redirections.error());
            return 2;
        }
    }
    if (!assign_all(simple.assignments, nullptr)) return status;
    return substitution_status_.value_or(0);
}

void Shell::trace(const std::vector<std::string>& words) {
    std::string text = value_or("PS4", "+ ");
    for (const std::string& word : words)
        text.append(&word == &words.front() ? "" : " ").append(shell_quoted(word));
    (void)write_all(Fd::kStderr, text + "\n");
}

int Shell::run_in_shell(const Command& command, const SimpleCommand& simple,
                        const std::vector<std::string>& words, bool special, Tail tail) {
    const bool keeps =
        words[0] == "exec" || (words[0] == "command" && words.size() > 1 && words[1] == "exec");
    Expander expander(*this);
    Redirections redirections;
    if (!redirections.apply(command.redirections, expander, options.has(Option::kNoClobber),
                            keeps ? Redirections::Keep::kForGood : Redirections::Keep::kUndo)) {
        if (special) return abort(redirections.error());
        complain(redirections.error());
        return 2;
    }
    std::vector<Variable> before;
    if (!assign_all(simple.assignments, special ? nullptr : &before)) return status;
    if (options.has(Option::kTrace)) trace(words);
    const int result = run_words(words, special ? Lookup::kNoFunctions : Lookup::kAll, tail);
    while (!before.empty()) {
        variables.restore(before.back());
        before.pop_back();
    }
    return result;
}

int Shell::run_words(const std::vector<std::string>& words, Lookup lookup, Tail tail) {
    if (lookup == Lookup::kAll) {
        if (const CommandPointer* const body = function(words.front())) return call_function(*body, words);
    }
    if (const Builtin* const builtin = find_builtin(words.front())) return builtin->run(*this, words);
    const Command plain;
    return run_program(plain, {}, words, tail);
}

int Shell::call_function(CommandPointer body, const std::vector<std::string>& words) {
    if (stack_is_low()) return abort("Functions nested too deeply");
    std::vector<std::string> outer(words.begin() + 1, words.end());
    outer.swap(positional);
    const int outer_loops = loops;
    loops = 0;
    ++functions_called;
    variables.begin_scope();
    int result = run(*body);
    variables.end_scope();
    --functions_called;
    loops = outer_loops;
    outer.swap(positional);
    if (flow == Flow::kReturn) {
        flow = Flow::kNone;
        result = status;
    }
    return result;
}

int Shell::run_program(const Command& command, const SimpleCommand& simple,
                       const std::vector<std::string>& words, Tail tail) {
    if (options.has(Option::kTrace)) trace(words);
    const bool in_place = tail == Tail::kYes && traps.all().empty() && !interactive;
    if (!in_place) {
        Job& job = jobs.add(job_text(words));
        const std::optional<std::uint32_t> child = fork_for(job, Fork::kForeground);
        if (!child) {
            jobs.remove(job);
            return status;
        }
        if (*child != 0) return wait_in_foreground(job);
    }
    Expander expander(*this);
    Redirections redirections;
    if (!redirections.apply(command.redirections, expander, options.has(Option::kNoClobber),
                            Redirections::Keep::kForGood)) {
        complain(redirections.error());
        exit_now(2);
    }
    std::vector<Variable> before;
    if (!assign_all(simple.assignments, &before)) exit_now(status);
    execute(words);
}

void Shell::execute(const std::vector<std::string>& words) {
    const Result<std::string> path = find_program(words.front(), value_or("PATH", "/bin:/usr/bin"));
    Errno problem = path ? Errno{} : path.error();
    if (path) {
        problem = exec_program(*path, words, environment());
        if (problem == Errno::kENOEXEC && is_linux_program(*path)) {
            complain(concat(words.front(), ": ", kLinuxProgram));
            exit_now(126);
        }
        if (problem == Errno::kENOEXEC) run_script(*path, words);
    }
    const bool lost = problem == Errno::kENOENT;
    complain(concat(words.front(), ": ", lost ? "not found" : std::string_view(abi::errno_text(problem))));
    exit_now(lost ? 127 : 126);
}

// A file that is no program and does not say what reads it is the shell's own.
void Shell::run_script(const std::string& path, const std::vector<std::string>& words) {
    Result<UniqueFd> file = open_script(path);
    if (!file) exit_now(126);
    std::vector<std::string> lost;
    for (const Variable& variable : variables.all()) {
        if (!variable.exported) lost.push_back(variable.name);
    }
    for (const std::string& variable : lost)
        variables.restore({variable, {}, false, false});
    (void)variables.set("IFS", " \t\n");
    (void)variables.set("OPTIND", "1");
    functions_.clear();
    traps.forget_actions();
    options = {};
    flow = Flow::kNone;
    conditions = 0;
    loops = 0;
    functions_called = 0;
    line = 1;
    const Result<abi::ProcMeta> identity = process_identity();
    if (identity) pid = identity->pid;
    name = path;
    positional.assign(words.begin() + 1, words.end());
    FileInput input(std::move(*file));
    run_input(input, false);
    finish(status);
}

}  // namespace halfcell::userland::sh
