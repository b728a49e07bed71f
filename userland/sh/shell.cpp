#include "userland/sh/shell.h"

#include "userland/lib/number.h"
#include "userland/rt/output.h"
#include "userland/rt/process.h"

namespace halfcell::userland::sh {

bool stack_is_low() {
    // The range is part of the ABI: relibc:redox-rt/src/arch/x86_64.rs STACK_TOP, STACK_SIZE.
    constexpr std::uint64_t kStackBottom = (std::uint64_t{1} << 47) - 1024 * 1024;
    constexpr std::uint64_t kReserve = 192 * 1024;
    const char here = 0;
    return word(&here) < kStackBottom + kReserve;
}

Shell::Shell() {
    for (const std::string_view entry : process().environment) {
        const std::size_t equals = entry.find('=');
        if (equals == std::string_view::npos) continue;
        (void)variables.set(entry.substr(0, equals), entry.substr(equals + 1));
        variables.set_exported(entry.substr(0, equals));
    }
    // These are the shell's own, whatever the environment says.
    (void)variables.set("IFS", " \t\n");
    (void)variables.set("OPTIND", "1");
    (void)variables.set("PWD", process().working_directory);
    const Result<abi::ProcMeta> identity = process_identity();
    if (identity) pid = identity->pid;
    if (identity) (void)variables.set("PPID", decimal(identity->ppid));
    if (!variables.value("PS1")) (void)variables.set("PS1", identity && identity->euid == 0 ? "# " : "$ ");
    if (!variables.value("PS2")) (void)variables.set("PS2", "> ");
    if (!variables.value("PS4")) (void)variables.set("PS4", "+ ");
}

void Shell::complain(std::string_view what) {
    (void)write_all(Fd::kStderr, concat(name, ": ", line, ": ", what, '\n'));
}

int Shell::abort(std::string_view what, int abort_status) {
    complain(what);
    flow = Flow::kAbort;
    status = abort_status;
    return abort_status;
}

int Shell::fail(const std::string& builtin, std::string_view what, int fail_status) {
    complain(concat(builtin, ": ", what));
    return fail_status;
}

bool Shell::print(std::string_view text) {
    const Result<void> written = write_all(Fd::kStdout, text);
    if (written) return true;
    if (written.error() == Errno::kEPIPE && !interactive) {
        flow = Flow::kExit;
        status = 128 + static_cast<int>(abi::Signal::kPipe);
        return false;
    }
    complain(concat("write error: ", std::string_view(abi::errno_text(written.error()))));
    return false;
}

bool Shell::assign(std::string_view variable, std::string_view value) {
    std::string error;
    if (set_variable(variable, value, error)) return true;
    (void)abort(error);
    return false;
}

std::string Shell::value_or(std::string_view variable, std::string_view otherwise) {
    return variables.value(variable).value_or(std::string(otherwise));
}

const CommandPointer* Shell::function(std::string_view function_name) const {
    for (const Function& candidate : functions_) {
        if (candidate.name == function_name) return &candidate.body;
    }
    return nullptr;
}

void Shell::define_function(const std::string& function_name, CommandPointer body) {
    (void)remove_function(function_name);
    functions_.push_back({function_name, std::move(body)});
}

bool Shell::remove_function(std::string_view function_name) {
    return std::erase_if(functions_, [&](const Function& f) { return f.name == function_name; }) != 0;
}

int Shell::run_input(LineInput& input, bool prompts, Tail tail) {
    Parser parser(input, line);
    status = flow == Flow::kNone ? status : 0;
    for (;;) {
        if (prompts) {
            poll_jobs();
            report_jobs();
            (void)Traps::take_interrupt();
        }
        ListPointer list;
        const Parser::Outcome outcome = parser.next(list);
        if (outcome == Parser::Outcome::kEnd) break;
        if (outcome == Parser::Outcome::kError && input.interrupted()) {
            status = 128 + static_cast<int>(abi::Signal::kInt);
        } else if (outcome == Parser::Outcome::kError) {
            line = parser.error().line;
            (void)abort(parser.error().message);
        } else if (outcome == Parser::Outcome::kCommand && (interactive || !options.has(Option::kNoExec))) {
            run(*list, input.exhausted() ? tail : Tail::kNo);
        }
        if (prompts && flow == Flow::kAbort) {
            flow = Flow::kNone;
            loops = 0;
            conditions = 0;
        }
        if (flow != Flow::kNone) break;
    }
    return status;
}

void Shell::finish(int final_status) {
    status = final_status;
    if (const std::string* const action = traps.action(kExitTrap)) {
        const std::string text = *action;
        traps.set(kExitTrap, {});
        flow = Flow::kNone;
        conditions = 0;
        StringInput input(text);
        run_input(input, false);
        if (flow != Flow::kExit) status = final_status;
    }
    exit_now(status);
}

std::string Shell::prompt(std::string_view variable) {
    // A prompt is text with parameters in it, as a here-document is.
    const std::string text = value_or(variable, "");
    if (text.find_first_of("$`") == std::string::npos) return text;
    const Word word = parse_expandable_text(text);
    Expander expander(*this);
    std::string expanded;
    return expander.text(word, expanded) ? expanded : text;
}

void Shell::run_pending_traps() {
    while (flow == Flow::kNone) {
        const std::uint32_t signal = Traps::take_pending();
        if (signal == 0) return;
        const std::string* const action = traps.action(signal);
        if (action == nullptr) continue;
        const std::string text = *action;
        const int saved = status;
        StringInput input(text);
        run_input(input, false);
        if (flow == Flow::kNone) status = saved;
    }
}

}  // namespace halfcell::userland::sh
