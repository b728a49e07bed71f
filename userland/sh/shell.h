#pragma once

// The shell: its state, and how it runs command trees. One class, a file for each behaviour: run_*.cpp,
// shell_*.cpp. The state is the process's; nothing here is for more than one thread.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "userland/rt/child.h"
#include "userland/rt/signal.h"
#include "userland/sh/expansion.h"
#include "userland/sh/job_table.h"
#include "userland/sh/options.h"
#include "userland/sh/parser.h"
#include "userland/sh/redirections.h"
#include "userland/sh/traps.h"
#include "userland/sh/variables.h"

namespace halfcell::userland::sh {

// Why commands are skipped until someone further out takes notice.
enum class Flow : std::uint8_t {
    kNone,
    kBreak,     // `flow_count` loops are left
    kContinue,  // the same, but the last one goes on
    kReturn,    // a function or a sourced file is left
    kExit,      // the shell ends
    kAbort      // an error: as kExit, but a terminal gets its prompt back
};

// Whether the process ends with what it runs: then the last program takes its place without a fork.
enum class Tail : std::uint8_t { kNo, kYes };

class Shell final : private ExpansionHost, private Directories {
  public:
    using Arguments = std::span<const std::string>;

    Shell();

    // Runs all of an input; returns the status of the last command. At the end of a shell, `finish` has to be
    // called. `interactive` inputs are prompted for and survive errors.
    int run_input(LineInput& input, bool interactive, Tail tail = Tail::kNo);
    // Runs the EXIT trap and ends the process.
    [[noreturn]] void finish(int status);

    int run(const List& list, Tail tail = Tail::kNo);
    int run(const Command& command, Tail tail = Tail::kNo);

    // Runs a command whose words are expanded; there is at least one.
    enum class Lookup : std::uint8_t { kAll, kNoFunctions };
    int run_words(const std::vector<std::string>& words, Lookup lookup, Tail tail);
    // Becomes a program: the end of this process, one way or the other.
    [[noreturn]] void execute(const std::vector<std::string>& words);

    // Standard output for builtins; false, after a message, where it cannot be written. Nobody reading any
    // more ends a shell that talks to no user, as there is no SIGPIPE to do so.
    bool print(std::string_view text);
    // "NAME: LINE: WHAT" on standard error.
    void complain(std::string_view what);
    // The same, and the shell is left where it is not interactive. Returns `status`.
    int abort(std::string_view what, int status = 2);
    // As complain, for a builtin: "NAME: LINE: BUILTIN: WHAT". Returns `status`.
    int fail(const std::string& builtin, std::string_view what, int status = 1);

    // Assigns, with read-only variables and set -a in mind; false after a message and abort.
    bool assign(std::string_view name, std::string_view value);
    std::string value_or(std::string_view name, std::string_view otherwise);
    std::vector<std::string> environment() const { return variables.environment(); }

    const CommandPointer* function(std::string_view name) const;
    void define_function(const std::string& name, CommandPointer body);
    bool remove_function(std::string_view name);

    // How a child relates to the shell's jobs and to the terminal.
    enum class Fork : std::uint8_t { kForeground, kBackground, kNoJob };
    // A child that belongs to a job: 0 in the child, which is a subshell then; nothing after a message.
    std::optional<std::uint32_t> fork_for(Job& job, Fork mode);
    // Waits until a job stops or ends, and gives its status. What else happens meanwhile is recorded. One
    // that has ended is removed, one that has stopped is listed.
    int wait_in_foreground(Job& job);
    // Waits until something happens to any child; false when there is none, or for what may end the wait: an
    // interrupt from the user, or with kTraps any trapped signal.
    enum class EndedBy : std::uint8_t { kNothing, kInterrupt, kTraps };
    bool wait_for_news(EndedBy ended_by);
    // Looks for changes of jobs without waiting.
    void poll_jobs();
    // Tells of jobs that have changed, and forgets those that are done.
    void report_jobs();
    // Lets a job go on, in the foreground or not; its status or 0.
    int continue_job(Job& job, bool foreground);
    bool controls_jobs() const { return options.has(Option::kMonitor); }
    // Switches job control on or off; false where there is no terminal.
    bool set_job_control(bool on);

    // The expansion of a prompt variable.
    std::string prompt(std::string_view variable);
    // Where patterns, and a user's Tab, find names.
    Directories& directories() override { return *this; }
    // Runs the traps of signals that have come. Commands are not interrupted by them, but waits are.
    void run_pending_traps();

    Variables variables;
    Options options;
    JobTable jobs;
    Traps traps;
    std::vector<std::string> positional;
    std::string name = "sh";                  // $0
    int status = 0;                           // $?
    std::uint32_t pid = 0;                    // $$: of the first shell, in subshells too
    std::optional<std::uint32_t> background;  // $!
    int line = 1;

    Flow flow = Flow::kNone;
    int flow_count = 0;
    int loops = 0;  // around what runs now
    int functions_called = 0;
    int files_sourced = 0;
    bool subshell = false;
    bool interactive = false;  // This process talks to a user.
    // The lines that a user has typed, where they can be edited; else null.
    const std::vector<std::string>* history = nullptr;
    // How many conditions, && and || are around: set -e does not apply there.
    int conditions = 0;

    // getopts: where in $OPTIND's argument it is.
    std::size_t option_offset = 0;
    std::string option_index;

  private:
    // ExpansionHost and Directories: shell_expansion.cpp.
    std::optional<std::string> parameter(std::string_view parameter_name) override;
    bool set_variable(std::string_view variable, std::string_view value, std::string& error) override;
    std::span<const std::string> arguments() override { return positional; }
    bool command_output(const List& commands, std::string& output, std::string& error) override;
    std::optional<std::string> home_of(std::string_view user) override;
    bool refuses_unset() override { return options.has(Option::kNoUnset); }
    bool expands_patterns() override { return !options.has(Option::kNoGlob); }
    std::vector<std::string> names_in(const std::string& directory) override;
    bool exists(const std::string& path) override;

    // run_list.cpp
    int run(const AndOr& and_or, Tail tail);
    int run_background(const AndOr& and_or);
    bool leaves(int command_status);
    struct Visitor;
    int run(const GroupCommand& group, Tail tail) { return run(*group.body, tail); }
    int run(const SubshellCommand& command, Tail tail) = delete;
    int run_subshell(const Command& command, const SubshellCommand& subshell_command, Tail tail);
    int run(const IfCommand& command, Tail tail);
    int run(const LoopCommand& loop, Tail tail);
    int run(const ForCommand& loop, Tail tail);
    int run(const CaseCommand& command, Tail tail);
    int run(const FunctionDefinition& definition, Tail tail);
    // Whether a loop ends, after one round.
    bool loop_ends();
    int run_condition(const List& list);

    // run_simple.cpp
    int run_simple(const Command& command, const SimpleCommand& simple, Tail tail);
    int run_assignments(const Command& command, const SimpleCommand& simple);
    int run_in_shell(const Command& command, const SimpleCommand& simple,
                     const std::vector<std::string>& words, bool special, Tail tail);
    int run_program(const Command& command, const SimpleCommand& simple,
                    const std::vector<std::string>& words, Tail tail);
    bool expand_words(const SimpleCommand& simple, std::vector<std::string>& words);
    // `before` collects the variables as they were; null: the assignments are for good.
    bool assign_all(const std::vector<Assignment>& assignments, std::vector<Variable>* before);
    void trace(const std::vector<std::string>& words);
    int call_function(CommandPointer body, const std::vector<std::string>& words);
    [[noreturn]] void run_script(const std::string& path, const std::vector<std::string>& words);

    // run_pipeline.cpp
    int run(const Pipeline& pipeline, Tail tail, const std::string& text);
    int run_stages(const Pipeline& pipeline, const std::string& text);

    // shell_jobs.cpp
    void become_child(std::uint32_t group, Fork mode);
    void take_terminal_back();

    struct Function {
        std::string name;
        CommandPointer body;
    };
    std::vector<Function> functions_;
    // The status of the last command substitution of an assignment.
    std::optional<int> substitution_status_;
    // The terminal, where jobs are controlled; in the upper table.
    UniqueFd terminal_;
    std::uint32_t own_group_ = 0;
};

// Whether so little of the stack is left that nothing should nest any deeper.
bool stack_is_low();

}  // namespace halfcell::userland::sh
