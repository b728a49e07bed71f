#include "kernel_shim/supervisor/options.h"

#include <CLI/CLI.hpp>
#include <map>

#include "kernel_shim/control/version.h"
#include "kernel_shim/host/capacity.h"
#include "kernel_shim/supervisor/help.h"
#include "kernel_shim/supervisor/mistakes.h"
#include "kernel_shim/supervisor/option_values.h"

namespace halfcell::supervisor {

namespace {

// CLI11 by itself takes -1 for the largest number.
CLI::Validator whole_number() {
    return {[](const std::string& text) {
                const bool hexadecimal = text.starts_with("0x") && text.size() > 2;
                const char* const digits = hexadecimal ? "0123456789abcdefABCDEF" : "0123456789";
                const std::size_t strange = text.find_first_not_of(digits, hexadecimal ? 2 : 0);
                if (!text.empty() && strange == std::string::npos) return std::string();
                return "expected a number, got '" + text + "'";
            },
            ""};
}

CLI::Validator size_in_bytes() {
    return {[as_size = CLI::AsSizeValue(false)](std::string& text) {
                std::string problem = "expected a size such as 64M or 2G, got '" + text + "'";
                if (text.starts_with('-')) return problem;
                try {
                    return as_size(text).empty() ? std::string() : problem;
                } catch (const CLI::ValidationError&) {
                    return problem;
                }
            },
            "SIZE"};
}

// Adds what run, trace and boot have in common.
void add_world_options(CLI::App& app, WorldOptions& world) {
    world.command = app.get_name();
    app.add_option("--root", world.root,
                   "host directory that is the guest's / (default: a fresh one in memory)")
        ->check(CLI::ExistingDirectory);
    app.add_flag("--ro", world.read_only, "the root may only be read");
    app.add_option_function<std::vector<std::string>>(
           "--bind",
           [&world](const std::vector<std::string>& texts) {
               for (const std::string& text : texts) {
                   Bind bind;
                   const std::string problem = parse_bind(text, bind);
                   if (!problem.empty()) throw CLI::ValidationError("--bind", problem);
                   world.binds.push_back(std::move(bind));
               }
           },
           "show a host file or directory to the guest, under its own path unless another is given")
        ->type_name("HOST[:GUESTPATH[:ro]]")
        ->allow_extra_args(false);
    app.add_option("--schemes", world.schemes,
                   "the only schemes the guest finds, NAME or PREFIX*; any other is ENODEV (default: all)")
        ->type_name("NAME[,NAME]")
        ->delimiter(',')
        ->allow_extra_args(false);
    app.add_option_function<std::vector<std::string>>(
           "--scheme",
           [&world](const std::vector<std::string>& texts) {
               for (const std::string& text : texts) {
                   HostScheme scheme;
                   const std::string problem = parse_host_scheme(text, scheme);
                   if (!problem.empty()) throw CLI::ValidationError("--scheme", problem);
                   world.host_schemes.push_back(std::move(scheme));
               }
           },
           "a program of the host serves /scheme/NAME: started, or found listening at a socket (repeatable)")
        ->type_name("NAME=COMMAND...|NAME=unix:PATH")
        ->allow_extra_args(false);
    app.add_option_function<std::vector<std::string>>(
           "--env",
           [&world](const std::vector<std::string>& texts) {
               for (const std::string& text : texts) {
                   const std::string problem = add_environment(text, world.environment);
                   if (!problem.empty()) throw CLI::ValidationError("--env", problem);
               }
           },
           "set an environment variable of the guest, or pass on the host's, if it has that one (repeatable)")
        ->type_name("NAME[=VALUE]|PREFIX*")
        ->allow_extra_args(false);
    app.add_option_function<std::string>(
        "--cwd",
        [&world](const std::string& path) {
            world.working_directory = path.starts_with('/') ? path : absolute_on_host(path);
        },
        "the guest's working directory (default /); a relative one begins at the host's");
    app.add_flag_callback(
        "--unconfined", [&world] { world.confined = false; },
        "the supervisor keeps all your rights instead of giving up what it does not need");
    app.add_flag("--core-dumps", world.core_dumps,
                 "should the supervisor crash, a core file may be written (without the guest's memory)");
    app.add_option("--on-violation", world.on_violation,
                   "what a call does that the supervisor has given up: kill it, say which one and abort, or "
                   "log it and go on")
        ->type_name("kill|say|log")
        ->transform(CLI::Transformer(
            std::map<std::string, confine::OnViolation>{{"kill", confine::OnViolation::kKill},
                                                        {"say", confine::OnViolation::kSay},
                                                        {"log", confine::OnViolation::kLog}}));
    app.add_option("--memory-limit", world.memory_limit,
                   "bytes of guest memory, e.g. 64M, and as many for what waits in pipes and sockets; "
                   "beyond it ENOMEM, for files in memory ENOSPC")
        ->transform(size_in_bytes());
    world.context_limit = host::comfortable_guest_threads(host::read_host_limits());
    app.add_option("--process-limit", world.context_limit,
                   "guest threads and processes at once; beyond it EAGAIN (default here: " +
                       std::to_string(world.context_limit) + ")")
        ->check(whole_number());
}

// What run and trace have, too: boot has nobody a control socket could ask.
void add_control_options(CLI::App& app, ControlOptions& control) {
    app.add_option("--control", control.where,
                   "listen there for commands of halfcell ctl: a socket's path, or @NAME for an abstract one")
        ->type_name("PATH|@NAME");
    app.add_option("--control-uid", control.user, "who may send commands, besides root (default: this user)")
        ->check(whole_number());
    app.add_option("--control-gid", control.group, "a group that may send commands")->check(whole_number());
}

void add_trace_details(CLI::App& app, TraceOptions& trace) {
    app.add_flag("--json", trace.json, "one JSON object a line");
    app.add_option("-e,--expression", trace.filters, "only these calls (openat,read), or scheme=NAME")
        ->allow_extra_args(false);
}

// Where "--" stands between the options of `sub` and its program; argc where it does not. CLI11 would hand
// the words behind it to the main command, so they are kept from it.
int separator_index(const CLI::App& sub, int argc, char** argv) {
    for (int index = 2; index < argc; ++index) {
        const std::string word = argv[index];
        if (word == "--") return index;
        if (word.size() < 2 || word.front() != '-') return argc;
        if (word.find('=') != std::string::npos) continue;
        const CLI::Option* const option = sub.get_option_no_throw(word);
        if (option != nullptr && option->get_items_expected_min() > 0) ++index;
    }
    return argc;
}

// Help as CLI11 makes it, but for what its own notation would not tell: that words follow the options, and
// that a flag may have a file.
class HelpFormatter final : public CLI::Formatter {
  public:
    std::string make_usage(const CLI::App* app, std::string name) const override {
        std::string text = CLI::Formatter::make_usage(app, std::move(name));
        const std::size_t end = text.find_last_not_of('\n') + 1;
        if (const CommandHelp* const help = help_of(app->get_name())) text.insert(end, help->behind);
        return text;
    }
    std::string make_option_name(const CLI::Option* option, bool positional) const override {
        std::string name = CLI::Formatter::make_option_name(option, positional);
        if (const std::size_t at = name.find("{-}"); at != std::string::npos) name.replace(at, 3, "[=FILE]");
        return name;
    }
};

// Those that the help lists.
std::vector<CLI::App*> listed_commands(CLI::App& app) {
    return app.get_subcommands([](CLI::App* command) { return !command->get_group().empty(); });
}

// For all commands, once they are there.
void add_help(CLI::App& app) {
    const auto formatter = std::make_shared<HelpFormatter>();
    formatter->column_width(34);
    formatter->label("SUBCOMMAND", "COMMAND");
    app.formatter(formatter);
    app.footer(help_of(app.get_name())->footer);
    for (CLI::App* const command : listed_commands(app)) {
        command->formatter(formatter);
        command->group("Commands");
        command->footer(help_of(command->get_name())->footer);
    }
}

std::vector<std::string> command_names(CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* const command : listed_commands(app))
        names.push_back(command->get_name());
    return names;
}

std::vector<std::string> option_names(const CLI::App& command) {
    std::vector<std::string> names;
    for (const CLI::Option* const option : command.get_options())
        for (const std::string& name : option->get_lnames())
            names.push_back(name.substr(0, name.find('{')));
    return names;
}

// What is wrong with the first word, which should be a command or an option of the program itself.
std::string wrong_beginning(CLI::App& app, const std::string& word) {
    const auto named = app.get_subcommands([&](CLI::App* command) { return command->get_name() == word; });
    if (!named.empty()) return "";
    if (!word.starts_with('-')) return no_command(word, command_names(app));
    const std::string option = word.substr(0, word.find('='));
    if (app.get_option_no_throw(option) != nullptr) return "";
    if (app.get_subcommand("run")->get_option_no_throw(option) != nullptr)
        return "options stand behind their command: halfcell run " + word + " …";
    return unknown_option(word, option_names(app));
}

// What CLI11 found wrong about a command, or the program itself.
std::string text_of(const CLI::ParseError& error, CLI::App& command) {
    const auto is = [&error](CLI::ExitCodes code) { return error.get_exit_code() == static_cast<int>(code); };
    if (command.get_parent() == nullptr && is(CLI::ExitCodes::RequiredError))
        return command_missing(command_names(command));
    if (const auto words = command.remaining(); is(CLI::ExitCodes::ExtrasError) && !words.empty())
        return words.front().starts_with('-') ? unknown_option(words.front(), option_names(command))
                                              : "nothing can be done with the word '" + words.front() + "'";
    return error.what();
}

}  // namespace

Command parse_command_line(int argc, char** argv) {
    CLI::App app{"halfcell: a Redox kernel that runs as an ordinary Linux process", "halfcell"};
    app.set_version_flag("--version", "halfcell " + control::version() + " (redox_syscall 0.7.4)");
    app.require_subcommand(1);

    RunCommand run;
    CLI::App* const run_app = app.add_subcommand("run", "run a program made for Redox");
    add_world_options(*run_app, run.world);
    add_control_options(*run_app, run.world.control);
    std::string run_trace;
    run_app->add_flag("--trace{-}", run_trace, "show the program's calls on standard error, or in FILE");
    run_app->prefix_command();

    RunCommand trace;
    CLI::App* const trace_app = app.add_subcommand("trace", "run a program and show its calls");
    add_world_options(*trace_app, trace.world);
    add_control_options(*trace_app, trace.world.control);
    add_trace_details(*trace_app, trace.world.trace);
    trace_app->add_option("-o,--output", trace.world.trace.file, "write to a file instead of standard error");
    trace_app->prefix_command();

    GdbCommand gdb;
    CLI::App* const gdb_app = app.add_subcommand("gdb", "run a program under gdb: it starts stopped");
    add_world_options(*gdb_app, gdb.world);
    gdb.world.debugged = true;
    gdb_app
        ->add_option("--listen", gdb.listen,
                     "where gdb connects (default: a socket only this user reaches); port 0 is any free one")
        ->type_name("unix:PATH|127.0.0.1:PORT");
    CtlCommand gdb_attach;
    std::optional<std::uint32_t> gdb_pid;
    gdb_app
        ->add_option("--pid", gdb_pid,
                     "attach to this process of a run that goes on, instead of starting one")
        ->check(whole_number());
    gdb_app->add_option("--control", gdb_attach.where, "with --pid: the control socket of that run")
        ->type_name("PATH|@NAME");
    gdb_app->prefix_command();

    BootCommand boot;
    CLI::App* const boot_app =
        app.add_subcommand("boot", "start a flat image or ELF as Redox's kernel starts its bootstrap");
    add_world_options(*boot_app, boot.world);
    boot_app->add_option("IMAGE", boot.image, "flat image (entry at offset 0x1a) or ELF")->required();
    boot_app->add_option("--base", boot.base, "where a flat image is mapped (default 0x1000)")
        ->check(whole_number());
    std::string boot_trace;
    boot_app->add_flag("--trace{-}", boot_trace, "show the calls on standard error, or in FILE");

    CheckCommand check;
    CLI::App* const check_app =
        app.add_subcommand("check", "can this machine run halfcell? one line per feature");
    check_app->add_flag("--json", check.json, "for machines");

    AbiCommand abi;
    CLI::App* const abi_app = app.add_subcommand("abi", "print the Redox ABI halfcell speaks");
    abi_app->add_flag("--json", abi.json, "for machines");
    abi_app->add_option("--diff", abi.compare_with, "compare with such a JSON file; exit 1 on any difference")
        ->type_name("FILE")
        ->check(CLI::ExistingFile);

    BenchCommand bench;
    CLI::App* const bench_app = app.add_subcommand("bench", "measure calls against the machine's floor");
    bench_app->add_flag("--json", bench.json, "for machines");
    bench_app->add_option("--filter", bench.filter, "only rows whose name contains this");
    bench_app->add_option("--repetitions", bench.repetitions, "runs per row; the median is reported")
        ->check(CLI::Range(1U, 1000U));

    ConformCommand conform;
    CLI::App* const conform_app =
        app.add_subcommand("conform", "does this kernel answer as Redox's does? probes, call by call");
    conform_app->add_option("AREA", conform.words, "only these areas, or AREA/PROBE (default: all)");
    conform_app->add_flag("--list", conform.list, "show the probes instead of running them");
    conform_app->add_flag("--json", conform.json, "for machines: a list of results");
    conform_app->add_option("--junit", conform.junit_file, "write JUnit's XML, too")->type_name("FILE");
    conform_app->add_flag("-v,--verbose", conform.verbose, "a line for every probe");

    CtlCommand ctl;
    CLI::App* const ctl_app =
        app.add_subcommand("ctl", "watch and steer a run that was started with --control");
    ctl_app->add_option("PATH", ctl.where, "its socket, as --control has it")->required();
    ctl_app->add_flag("--json", ctl.json, "answers as they come: one JSON object a line");
    ctl_app->prefix_command();

    CLI::App* const compat_app = app.add_subcommand("compat", "print the compatibility table (Markdown)");
    compat_app->group("");
    add_help(app);

    if (const std::string wrong = argc > 1 ? wrong_beginning(app, argv[1]) : ""; !wrong.empty()) {
        complain("", wrong);
        return Finished{kExitOwnFailure};
    }
    int separator = argc;
    for (const CLI::App* const sub : {run_app, trace_app, gdb_app})
        if (argc > 1 && sub->get_name() == argv[1]) separator = separator_index(*sub, argc, argv);

    try {
        app.parse(separator, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return Finished{app.exit(error)};
        const auto reached = app.get_subcommands();
        complain(reached.empty() ? "" : reached.front()->get_name(),
                 text_of(error, reached.empty() ? app : *reached.front()));
        return Finished{kExitOwnFailure};
    }

    const auto apply_trace = [](const std::string& target, TraceOptions& options) {
        if (target.empty()) return;
        options.enabled = true;
        if (target != "-") options.file = target;
    };
    // The program's words stand behind the options, or behind "--". False where there is none to run.
    const auto take_program = [&](const CLI::App& sub, std::vector<std::string>& program,
                                  WorldOptions& world) {
        program = sub.remaining();
        const bool behind_separator = program.empty() && separator < argc;
        if (behind_separator) program.assign(argv + separator + 1, argv + argc);
        if (program.empty()) {
            complain(sub.get_name(), "no PROGRAM given; for a shell: halfcell " + sub.get_name() + " sh");
            return false;
        }
        if (!behind_separator && program.front().starts_with('-')) {
            complain(sub.get_name(), unknown_option(program.front(), option_names(sub)));
            return false;
        }
        world.terminal = true;
        if (program.front().find('/') != std::string::npos) world.host_program = program.front();
        return true;
    };
    if (run_app->parsed()) {
        if (!take_program(*run_app, run.program, run.world)) return Finished{kExitOwnFailure};
        apply_trace(run_trace, run.world.trace);
        return run;
    }
    if (trace_app->parsed()) {
        if (!take_program(*trace_app, trace.program, trace.world)) return Finished{kExitOwnFailure};
        trace.world.trace.enabled = true;
        return trace;
    }
    if (gdb_app->parsed() && (gdb_pid || !gdb_attach.where.empty())) {
        if (!gdb_pid || gdb_attach.where.empty()) {
            complain("gdb", "--pid and --control go together");
            return Finished{kExitOwnFailure};
        }
        if (!gdb_app->remaining().empty() || separator < argc) {
            complain("gdb", "--pid and a PROGRAM exclude each other");
            return Finished{kExitOwnFailure};
        }
        gdb_attach.words = {"gdb", std::to_string(*gdb_pid)};
        // The run may stand in another directory.
        constexpr std::string_view kPath = "unix:";
        if (gdb.listen.starts_with(kPath))
            gdb_attach.words.push_back(std::string(kPath) +
                                       absolute_on_host(gdb.listen.substr(kPath.size())));
        else if (!gdb.listen.empty())
            gdb_attach.words.push_back(gdb.listen);
        return gdb_attach;
    }
    if (gdb_app->parsed()) {
        if (!take_program(*gdb_app, gdb.program, gdb.world)) return Finished{kExitOwnFailure};
        return gdb;
    }
    if (boot_app->parsed()) {
        apply_trace(boot_trace, boot.world.trace);
        boot.world.host_program = boot.image;
        return boot;
    }
    if (check_app->parsed()) return check;
    if (abi_app->parsed()) return abi;
    if (bench_app->parsed()) return bench;
    if (conform_app->parsed()) return conform;
    if (ctl_app->parsed()) {
        ctl.words = ctl_app->remaining();
        return ctl;
    }
    return CompatCommand{};
}

}  // namespace halfcell::supervisor
