#include "kernel_shim/supervisor/options.h"

#include <algorithm>
#include <span>

#include "kernel_shim/base/result.h"
#include "kernel_shim/control/version.h"
#include "kernel_shim/supervisor/command_line.h"
#include "kernel_shim/supervisor/mistakes.h"
#include "kernel_shim/supervisor/option_values.h"
#include "kernel_shim/supervisor/world_options.h"

namespace halfcell::supervisor {

namespace {

// What --trace says: where the calls go. Empty without it, "-" for standard error.
using TraceTarget = std::string;

// What --pid and --control say: the process of another run that gdb shall attach to.
struct Attachment {
    std::optional<std::uint32_t> pid;
    std::string control;
};

CLI::App* add_run(CLI::App& app, RunCommand& run, TraceTarget& trace) {
    CLI::App* const command = app.add_subcommand("run", "run a program made for Redox");
    add_world_options(*command, run.world);
    add_control_options(*command, run.world.control);
    command->add_flag("--trace{-}", trace, "show the program's calls on standard error, or in FILE");
    command->prefix_command();
    return command;
}

CLI::App* add_trace(CLI::App& app, RunCommand& run) {
    CLI::App* const command = app.add_subcommand("trace", "run a program and show its calls");
    add_world_options(*command, run.world);
    add_control_options(*command, run.world.control);
    TraceOptions& trace = run.world.trace;
    trace.enabled = true;
    command->add_flag("--json", trace.json, "one JSON object a line");
    command->add_option("-e,--expression", trace.filters, "only these calls (openat,read), or scheme=NAME")
        ->allow_extra_args(false);
    command->add_option("-o,--output", trace.file, "write to a file instead of standard error");
    command->prefix_command();
    return command;
}

CLI::App* add_gdb(CLI::App& app, GdbCommand& gdb, Attachment& attachment) {
    CLI::App* const command = app.add_subcommand("gdb", "run a program under gdb: it starts stopped");
    add_world_options(*command, gdb.world);
    gdb.world.debugged = true;
    command
        ->add_option("--listen", gdb.listen,
                     "where gdb connects (default: a socket only this user reaches); port 0 is any free one")
        ->type_name("unix:PATH|127.0.0.1:PORT");
    command
        ->add_option("--pid", attachment.pid,
                     "attach to this process of a run that goes on, instead of starting one")
        ->check(whole_number());
    command->add_option("--control", attachment.control, "with --pid: the control socket of that run")
        ->type_name("PATH|@NAME");
    command->prefix_command();
    return command;
}

CLI::App* add_boot(CLI::App& app, BootCommand& boot, TraceTarget& trace) {
    CLI::App* const command =
        app.add_subcommand("boot", "start a flat image or ELF as Redox's kernel starts its bootstrap");
    add_world_options(*command, boot.world);
    command->add_option("IMAGE", boot.image, "flat image (entry at offset 0x1a) or ELF")->required();
    command->add_option("--base", boot.base, "where a flat image is mapped (default 0x1000)")
        ->check(whole_number());
    command->add_flag("--trace{-}", trace, "show the calls on standard error, or in FILE");
    return command;
}

CLI::App* add_check(CLI::App& app, CheckCommand& check) {
    CLI::App* const command =
        app.add_subcommand("check", "can this machine run halfcell? one line per feature");
    command->add_flag("--json", check.json, "for machines");
    return command;
}

CLI::App* add_abi(CLI::App& app, AbiCommand& abi) {
    CLI::App* const command = app.add_subcommand("abi", "print the Redox ABI halfcell speaks");
    command->add_flag("--json", abi.json, "for machines");
    command->add_option("--diff", abi.compare_with, "compare with such a JSON file; exit 1 on any difference")
        ->type_name("FILE")
        ->check(CLI::Validator(CLI::ExistingFile).description(""));
    return command;
}

CLI::App* add_bench(CLI::App& app, BenchCommand& bench) {
    CLI::App* const command = app.add_subcommand("bench", "measure calls against the machine's floor");
    command->add_flag("--json", bench.json, "for machines");
    command->add_option("--filter", bench.filter, "only rows whose name contains this");
    command->add_option("--repetitions", bench.repetitions, "runs per row; the median is reported")
        ->check(CLI::Range(1U, 1000U));
    return command;
}

CLI::App* add_conform(CLI::App& app, ConformCommand& conform) {
    CLI::App* const command =
        app.add_subcommand("conform", "does this kernel answer as Redox's does? probes, call by call");
    command->add_option("AREA", conform.words, "only these areas, or AREA/PROBE (default: all)");
    command->add_flag("--list", conform.list, "show the probes instead of running them");
    command->add_flag("--json", conform.json, "for machines: a list of results");
    command->add_option("--junit", conform.junit_file, "write JUnit's XML, too")->type_name("FILE");
    command->add_flag("-v,--verbose", conform.verbose, "a line for every probe");
    return command;
}

CLI::App* add_ctl(CLI::App& app, CtlCommand& ctl) {
    CLI::App* const command =
        app.add_subcommand("ctl", "watch and steer a run that was started with --control");
    command->add_option("PATH", ctl.where, "its socket, as --control has it")->required();
    command->add_flag("--json", ctl.json, "answers as they come: one JSON object a line");
    command->prefix_command();
    return command;
}

void apply_trace(const TraceTarget& target, TraceOptions& options) {
    if (target.empty()) return;
    options.enabled = true;
    if (target != "-") options.file = target;
}

// The program's words stand behind the options, or behind "--", after which there are `separated`. What is
// wrong where there is none to run; else empty.
std::string take_program(const CLI::App& command, std::span<char* const> separated,
                         std::vector<std::string>& program, WorldOptions& world) {
    program = command.remaining();
    const bool behind_separator = program.empty() && !separated.empty();
    if (behind_separator) program.assign(separated.begin(), separated.end());
    if (program.empty()) return "no PROGRAM given; for a shell: halfcell " + command.get_name() + " sh";
    if (!behind_separator && program.front().starts_with('-'))
        return unknown_option(program.front(), option_names(command));
    world.terminal = true;
    if (program.front().find('/') != std::string::npos) world.host_program = program.front();
    return "";
}

// What to ask the run of `attachment` for.
CtlCommand attach_command(const Attachment& attachment, const std::string& listen) {
    CtlCommand ctl{.where = attachment.control, .words = {"gdb", std::to_string(*attachment.pid)}};
    // The run may stand in another directory.
    constexpr std::string_view kPath = "unix:";
    if (listen.starts_with(kPath))
        ctl.words.push_back(std::string(kPath) + absolute_on_host(listen.substr(kPath.size())));
    else if (!listen.empty())
        ctl.words.push_back(listen);
    return ctl;
}

Command refuse(const CLI::App& command, const std::string& what) {
    complain(command.get_name(), what);
    return Finished{kExitOwnFailure};
}

}  // namespace

Command parse_command_line(int argc, char** argv) {
    CLI::App app{"halfcell: a Redox kernel that runs as an ordinary Linux process", "halfcell"};
    app.set_version_flag("--version", "halfcell " + control::version() + " (redox_syscall 0.7.4)");
    app.require_subcommand(1);

    RunCommand run;
    TraceTarget run_trace;
    const CLI::App* const run_app = add_run(app, run, run_trace);
    RunCommand trace;
    const CLI::App* const trace_app = add_trace(app, trace);
    GdbCommand gdb;
    Attachment attachment;
    const CLI::App* const gdb_app = add_gdb(app, gdb, attachment);
    BootCommand boot;
    TraceTarget boot_trace;
    const CLI::App* const boot_app = add_boot(app, boot, boot_trace);
    CheckCommand check;
    const CLI::App* const check_app = add_check(app, check);
    AbiCommand abi;
    const CLI::App* const abi_app = add_abi(app, abi);
    BenchCommand bench;
    const CLI::App* const bench_app = add_bench(app, bench);
    ConformCommand conform;
    const CLI::App* const conform_app = add_conform(app, conform);
    CtlCommand ctl;
    const CLI::App* const ctl_app = add_ctl(app, ctl);
    app.add_subcommand("compat", "print the compatibility table (Markdown)")->group("");
    add_help(app);

    if (const std::string wrong = argc > 1 ? wrong_beginning(app, argv[1]) : ""; !wrong.empty()) {
        complain("", wrong);
        return Finished{kExitOwnFailure};
    }
    int separator = argc;
    for (const CLI::App* const command : {run_app, trace_app, gdb_app})
        if (argc > 1 && command->get_name() == argv[1]) separator = separator_index(*command, argc, argv);
    try {
        app.parse(separator, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return Finished{app.exit(error)};
        const auto reached = app.get_subcommands();
        complain(reached.empty() ? "" : reached.front()->get_name(),
                 mistake_of(error, reached.empty() ? app : *reached.front()));
        return Finished{kExitOwnFailure};
    }

    const bool separated = separator < argc;
    const std::span<char* const> behind(argv + std::min(separator + 1, argc), argv + argc);
    if (run_app->parsed()) {
        const std::string wrong = take_program(*run_app, behind, run.program, run.world);
        if (!wrong.empty()) return refuse(*run_app, wrong);
        apply_trace(run_trace, run.world.trace);
        return run;
    }
    if (trace_app->parsed()) {
        const std::string wrong = take_program(*trace_app, behind, trace.program, trace.world);
        if (!wrong.empty()) return refuse(*trace_app, wrong);
        return trace;
    }
    if (gdb_app->parsed() && (attachment.pid || !attachment.control.empty())) {
        if (!attachment.pid || attachment.control.empty())
            return refuse(*gdb_app, "--pid and --control go together");
        if (!gdb_app->remaining().empty() || separated)
            return refuse(*gdb_app, "--pid and a PROGRAM exclude each other");
        return attach_command(attachment, gdb.listen);
    }
    if (gdb_app->parsed()) {
        const std::string wrong = take_program(*gdb_app, behind, gdb.program, gdb.world);
        if (!wrong.empty()) return refuse(*gdb_app, wrong);
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
