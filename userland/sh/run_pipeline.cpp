// Pipelines and subshells.

#include "userland/rt/output.h"
#include "userland/sh/shell.h"

namespace halfcell::userland::sh {

int Shell::run(const Pipeline& pipeline, Tail tail, const std::string& text) {
    int result = 0;
    if (pipeline.commands.size() == 1) {
        result = run(*pipeline.commands.front(), pipeline.negated ? Tail::kNo : tail);
    } else {
        result = run_stages(pipeline, text);
    }
    if (!pipeline.negated || flow != Flow::kNone) return result;
    return result == 0 ? 1 : 0;
}

int Shell::run_stages(const Pipeline& pipeline, const std::string& text) {
    Job& job = jobs.add(text);
    UniqueFd input;
    for (std::size_t i = 0; i < pipeline.commands.size(); ++i) {
        const bool last = i + 1 == pipeline.commands.size();
        Pipe pipe;
        if (!last) {
            Result<Pipe> made = make_pipe();
            if (!made) {
                (void)abort(concat("cannot make a pipe: ", std::string_view(abi::errno_text(made.error()))));
                break;
            }
            pipe = std::move(*made);
        }
        const std::optional<std::uint32_t> child = fork_for(job, Fork::kForeground);
        if (!child) break;
        if (*child == 0) {
            if (input.fd() != Fd::kNone) (void)sys_dup2(input.fd(), Fd::kStdin);
            if (!last) (void)sys_dup2(pipe.writer.fd(), Fd::kStdout);
            input.reset();
            pipe.reader.reset();
            pipe.writer.reset();
            status = run(*pipeline.commands[i], Tail::kYes);
            finish(status);
        }
        input = std::move(pipe.reader);
    }
    input.reset();
    // Those that were started end by themselves, also after a failure: their input ends.
    const int result = wait_in_foreground(job);
    return flow == Flow::kAbort ? status : result;
}

int Shell::run_subshell(const Command& command, const SubshellCommand& subshell_command, Tail tail) {
    const bool in_place = tail == Tail::kYes && traps.all().empty() && !interactive;
    if (in_place) {
        subshell = true;
    } else {
        Job& job = jobs.add({});
        const std::optional<std::uint32_t> child = fork_for(job, Fork::kForeground);
        if (!child) {
            jobs.remove(job);
            return status;
        }
        if (*child != 0) return wait_in_foreground(job);
    }
    // In the child: what is said about its end goes where the shell's messages go.
    Expander expander(*this);
    Redirections redirections;
    if (!redirections.apply(command.redirections, expander, options.has(Option::kNoClobber),
                            Redirections::Keep::kForGood)) {
        complain(redirections.error());
        finish(2);
    }
    run(*subshell_command.body, Tail::kYes);
    finish(status);
}

}  // namespace halfcell::userland::sh
