#pragma once

// The commands the shell is itself. Each gets its words, the name first, and gives its status.

#include <span>
#include <string>
#include <string_view>

#include "userland/sh/shell.h"

namespace halfcell::userland::sh {

struct Builtin {
    std::string_view name;
    int (*run)(Shell& shell, Shell::Arguments words);
    // POSIX's special ones: assignments before them last, and their mistakes end a script.
    bool special = false;
};

// Null for any other name.
const Builtin* find_builtin(std::string_view name);
std::span<const Builtin> all_builtins();

// builtins_flow.cpp
int builtin_break(Shell& shell, Shell::Arguments words);
int builtin_continue(Shell& shell, Shell::Arguments words);
int builtin_return(Shell& shell, Shell::Arguments words);
int builtin_exit(Shell& shell, Shell::Arguments words);
int builtin_eval(Shell& shell, Shell::Arguments words);
int builtin_source(Shell& shell, Shell::Arguments words);
int builtin_exec(Shell& shell, Shell::Arguments words);
int builtin_true(Shell& shell, Shell::Arguments words);
int builtin_false(Shell& shell, Shell::Arguments words);

// builtins_variables.cpp
int builtin_export(Shell& shell, Shell::Arguments words);
int builtin_readonly(Shell& shell, Shell::Arguments words);
int builtin_unset(Shell& shell, Shell::Arguments words);
int builtin_local(Shell& shell, Shell::Arguments words);
int builtin_shift(Shell& shell, Shell::Arguments words);
int builtin_set(Shell& shell, Shell::Arguments words);

// builtins_input.cpp
int builtin_read(Shell& shell, Shell::Arguments words);
int builtin_getopts(Shell& shell, Shell::Arguments words);

// builtins_output.cpp
int builtin_echo(Shell& shell, Shell::Arguments words);
int builtin_printf(Shell& shell, Shell::Arguments words);
int builtin_test(Shell& shell, Shell::Arguments words);
int builtin_pwd(Shell& shell, Shell::Arguments words);

// builtins_process.cpp
int builtin_cd(Shell& shell, Shell::Arguments words);
int builtin_umask(Shell& shell, Shell::Arguments words);
int builtin_times(Shell& shell, Shell::Arguments words);
int builtin_trap(Shell& shell, Shell::Arguments words);
int builtin_kill(Shell& shell, Shell::Arguments words);

// builtins_jobs.cpp
int builtin_jobs(Shell& shell, Shell::Arguments words);
int builtin_fg(Shell& shell, Shell::Arguments words);
int builtin_bg(Shell& shell, Shell::Arguments words);
int builtin_wait(Shell& shell, Shell::Arguments words);

// builtins_commands.cpp
int builtin_command(Shell& shell, Shell::Arguments words);
int builtin_type(Shell& shell, Shell::Arguments words);
int builtin_hash(Shell& shell, Shell::Arguments words);
int builtin_help(Shell& shell, Shell::Arguments words);
int builtin_history(Shell& shell, Shell::Arguments words);

// Text as the shell would read it back: 'it'"'"'s'.
std::string single_quoted(std::string_view text);

// Interprets the words of `set` and of the command line from `at` on: -e +x -o NAME, up to "--" or the first
// operand. Moves `at` there; false after a message. `operands`: whether "--" or "-" was given.
bool parse_options(Shell& shell, Shell::Arguments words, std::size_t& at, bool& operands);

}  // namespace halfcell::userland::sh
