#include "userland/sh/builtins.h"

namespace halfcell::userland::sh {
namespace {

constexpr Builtin kBuiltins[] = {
    {".", builtin_source, true},
    {":", builtin_true, true},
    {"[", builtin_test},
    {"bg", builtin_bg},
    {"break", builtin_break, true},
    {"cd", builtin_cd},
    {"command", builtin_command},
    {"continue", builtin_continue, true},
    {"echo", builtin_echo},
    {"eval", builtin_eval, true},
    {"exec", builtin_exec, true},
    {"exit", builtin_exit, true},
    {"export", builtin_export, true},
    {"false", builtin_false},
    {"fg", builtin_fg},
    {"getopts", builtin_getopts},
    {"hash", builtin_hash},
    {"help", builtin_help},
    {"history", builtin_history},
    {"jobs", builtin_jobs},
    {"kill", builtin_kill},
    {"local", builtin_local},
    {"printf", builtin_printf},
    {"pwd", builtin_pwd},
    {"read", builtin_read},
    {"readonly", builtin_readonly, true},
    {"return", builtin_return, true},
    {"set", builtin_set, true},
    {"shift", builtin_shift, true},
    {"test", builtin_test},
    {"times", builtin_times, true},
    {"trap", builtin_trap, true},
    {"true", builtin_true},
    {"type", builtin_type},
    {"umask", builtin_umask},
    {"unset", builtin_unset, true},
    {"wait", builtin_wait},
};

}  // namespace

const Builtin* find_builtin(std::string_view name) {
    for (const Builtin& builtin : kBuiltins) {
        if (builtin.name == name) return &builtin;
    }
    return nullptr;
}

std::span<const Builtin> all_builtins() {
    return kBuiltins;
}

}  // namespace halfcell::userland::sh
