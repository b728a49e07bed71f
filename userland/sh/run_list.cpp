// Lists and the compound commands.

#include "userland/lib/glob.h"
#include "userland/rt/output.h"
#include "userland/sh/shell.h"

namespace halfcell::userland::sh {
namespace {

// Commands whose failure is nobody's fault run while one of these lives.
class Condition {
  public:
    Condition(int& conditions, bool applies) : conditions_(conditions), applies_(applies) {
        if (applies_) ++conditions_;
    }
    ~Condition() {
        if (applies_) --conditions_;
    }
    Condition(const Condition&) = delete;
    Condition& operator=(const Condition&) = delete;

  private:
    int& conditions_;
    bool applies_;
};

class Loop {
  public:
    explicit Loop(int& loops) : loops_(loops) { ++loops_; }
    ~Loop() { --loops_; }
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

  private:
    int& loops_;
};

}  // namespace

struct Shell::Visitor {
    Shell& shell;
    const Command& command;
    Tail tail;
    int operator()(const SimpleCommand& simple) const { return shell.run_simple(command, simple, tail); }
    int operator()(const SubshellCommand& subshell) const {
        return shell.run_subshell(command, subshell, tail);
    }
    template <typename Compound>
    int operator()(const Compound& compound) const {
        return shell.run(compound, tail);
    }
};

int Shell::run(const List& list, Tail tail) {
    for (std::size_t i = 0; i < list.items.size(); ++i) {
        const AndOr& item = list.items[i];
        const bool last = i + 1 == list.items.size();
        if (item.background) {
            status = run_background(item);
        } else {
            status = run(item, last ? tail : Tail::kNo);
        }
        run_pending_traps();
        if (interactive && flow == Flow::kNone && Traps::take_interrupt()) {
            flow = Flow::kAbort;
            status = 128 + static_cast<int>(abi::Signal::kInt);
        }
        if (flow != Flow::kNone) break;
    }
    return status;
}

int Shell::run(const AndOr& and_or, Tail tail) {
    if (options.has(Option::kNoExec) && !interactive) return 0;
    bool skipped = false;
    for (std::size_t i = 0; i < and_or.items.size(); ++i) {
        const AndOr::Item& item = and_or.items[i];
        if (item.join == AndOr::Join::kAnd && status != 0) continue;
        if (item.join == AndOr::Join::kOr && status == 0) continue;
        const bool last = i + 1 == and_or.items.size();
        skipped = !last;
        {
            const Condition condition(conditions, !last || item.pipeline.negated);
            status = run(item.pipeline, last ? tail : Tail::kNo, and_or.text);
        }
        if (flow != Flow::kNone) return status;
        // What counts for set -e: commands and subshells, not what merely contains them.
        const Pipeline& pipeline = item.pipeline;
        const std::size_t kind = pipeline.commands.front()->body.index();
        const bool counts = pipeline.commands.size() > 1 || kind == 0 || kind == 2;
        if (!skipped && counts && !pipeline.negated && leaves(status)) return status;
    }
    return status;
}

bool Shell::leaves(int command_status) {
    if (command_status == 0 || conditions > 0 || !options.has(Option::kErrExit)) return false;
    flow = Flow::kExit;
    return true;
}

int Shell::run_background(const AndOr& and_or) {
    Job& job = jobs.add(and_or.text);
    const std::optional<std::uint32_t> child = fork_for(job, Fork::kBackground);
    if (!child) {
        jobs.remove(job);
        return status;
    }
    if (*child == 0) {
        conditions = 0;
        run(and_or, Tail::kYes);
        finish(status);
    }
    background = *child;
    jobs.enlist(job);
    if (interactive) (void)write_all(Fd::kStderr, concat("[", job.number, "] ", *child, "\n"));
    return 0;
}

int Shell::run(const Command& command, Tail tail) {
    if (stack_is_low()) return abort("Commands nested too deeply");
    // The others do their redirections elsewhere: after their words, in their child, when they are called.
    const bool redirects = !command.redirections.empty() &&
                           !std::holds_alternative<SimpleCommand>(command.body) &&
                           !std::holds_alternative<SubshellCommand>(command.body);
    if (!redirects) return std::visit(Visitor{*this, command, tail}, command.body);
    line = command.line;
    Expander expander(*this);
    Redirections redirections;
    if (!redirections.apply(command.redirections, expander, options.has(Option::kNoClobber),
                            Redirections::Keep::kUndo)) {
        complain(redirections.error());
        return 2;
    }
    return std::visit(Visitor{*this, command, tail}, command.body);
}

int Shell::run_condition(const List& list) {
    const Condition condition(conditions, true);
    return run(list);
}

int Shell::run(const IfCommand& command, Tail tail) {
    for (const IfCommand::Branch& branch : command.branches) {
        const int condition = run_condition(*branch.condition);
        if (flow != Flow::kNone) return status;
        if (condition == 0) return run(*branch.body, tail);
    }
    return command.otherwise ? run(*command.otherwise, tail) : 0;
}

bool Shell::loop_ends() {
    switch (flow) {
        case Flow::kNone:
            return false;
        case Flow::kBreak:
            if (--flow_count == 0) flow = Flow::kNone;
            return true;
        case Flow::kContinue:
            if (--flow_count > 0) return true;
            flow = Flow::kNone;
            return false;
        default:
            return true;
    }
}

int Shell::run(const LoopCommand& loop, Tail) {
    const Loop counted(loops);
    int result = 0;
    for (;;) {
        const int condition = run_condition(*loop.condition);
        if (flow != Flow::kNone) {
            result = status;
            if (loop_ends()) break;
            continue;
        }
        if ((condition == 0) == loop.until) break;
        result = run(*loop.body);
        if (loop_ends()) {
            result = status;
            break;
        }
    }
    return result;
}

int Shell::run(const ForCommand& loop, Tail) {
    std::vector<std::string> values;
    if (loop.over_arguments) {
        values = positional;
    } else {
        Expander expander(*this);
        for (const Word& word : loop.words) {
            if (!expander.fields(word, values)) return abort(expander.error());
        }
    }
    const Loop counted(loops);
    int result = 0;
    for (const std::string& value : values) {
        if (!assign(loop.variable, value)) return status;
        result = run(*loop.body);
        if (loop_ends()) {
            result = status;
            break;
        }
    }
    return result;
}

int Shell::run(const CaseCommand& command, Tail tail) {
    Expander expander(*this);
    std::string subject;
    if (!expander.text(command.subject, subject)) return abort(expander.error());
    for (const CaseCommand::Item& item : command.items) {
        for (const Word& word : item.patterns) {
            std::string pattern;
            if (!expander.pattern(word, pattern)) return abort(expander.error());
            if (!glob_matches(pattern, subject)) continue;
            return item.body ? run(*item.body, tail) : 0;
        }
    }
    return 0;
}

int Shell::run(const FunctionDefinition& definition, Tail) {
    define_function(definition.name, definition.body);
    return 0;
}

}  // namespace halfcell::userland::sh
