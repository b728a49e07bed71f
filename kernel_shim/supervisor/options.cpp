#include "kernel_shim/supervisor/options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <map>

#include "kernel_shim/control/version.h"
#include "kernel_shim/host/capacity.h"
#include "kernel_shim/supervisor/command_words.h"

namespace halfcell::supervisor {

namespace {

constexpr const char* kFooter =
    "A PROGRAM with a slash is a file of the host; any other name is looked up in the guest's PATH,\n"
    "which ends in the programs halfcell carries (ls, cat, cp, grep, …: halfcell run ls "
    "/scheme/initfs/bin).\n"
    "The exit status is the program's; 128+n when a fault or signal n ended it; 125 when halfcell failed,\n"
    "126 when PROGRAM cannot run, 127 when it was not found.\n"
    "\n"
    "  halfcell run ls -l /scheme/sys\n"
    "  halfcell run --bind \"$PWD:/src:ro\" grep -r main /src\n"
    "  halfcell run --root ./redox-root ./my-redox-program\n"
    "  halfcell run --schemes file,null ./my-redox-program\n"
    "  halfcell run --bind . --cwd . --env 'RUST_*' ./my-redox-program\n"
    "  halfcell run --scheme 'keys=./key_value' ls /scheme/keys\n"
    "  halfcell trace -e openat cat /etc/passwd\n";

constexpr const char* kConformFooter =
    "Each probe makes a few calls as a guest and compares every answer with the real kernel's. \"deviating\" "
    "says\n"
    "that it is another one on purpose, as halfcell's table of deviations has it. The exit status is 1 when "
    "a "
    "probe\n"
    "failed. The probes are a program made for Redox, which prints TAP: build/userland/bin/conform runs on "
    "other\n"
    "kernels too (--careful leaves out what hangs Redox's), and as the first program of one.\n"
    "\n"
    "  halfcell conform                         everything, some seconds\n"
    "  halfcell conform pipe futex -v           two areas, a line for every probe\n"
    "  halfcell conform --list | grep 'mod.rs'  what is tried, and where Redox decides it\n"
    "  halfcell conform --json > results.json\n"
    "  halfcell conform --junit results.xml\n"
    "  halfcell trace conform pipe/full-pipe    the calls of one probe\n";

constexpr const char* kGdbFooter =
    "PROGRAM starts stopped before its first instruction; the line that connects gdb is printed. For "
    "symbols,\n"
    "build with -g. gdb knows Redox's calls by name: catch syscall openat, catch syscall group:path.\n"
    "\n"
    "  halfcell gdb ./my-redox-program one two\n"
    "  halfcell gdb --listen 127.0.0.1:0 --root ./redox-root /bin/ls /\n"
    "  halfcell gdb --pid 2 --control /tmp/run.sock    attach to a process of another run\n"
    "\n"
    "In gdb, as everywhere: break main, continue, backtrace, step, finish, print, watch, info threads, info\n"
    "registers, info sharedlibrary, info auxv, catch fork, catch exec, set follow-fork-mode child, detach, "
    "kill.\n"
    "Ctrl-C in gdb stops all threads. When gdb goes without detaching, the program is killed, but not one\n"
    "that it was attached to.\n";
constexpr const char* kCtlFooter =
    "COMMAND is one of the socket's (halfcell ctl PATH help). Without one, lines of standard input are "
    "commands,\n"
    "with history and completion on a terminal. The exit status is 1 when a command failed, 125 when there "
    "is\n"
    "nobody to ask.\n"
    "\n"
    "  halfcell run --control /tmp/run.sock sh &\n"
    "  halfcell ctl /tmp/run.sock ps\n"
    "  halfcell ctl /tmp/run.sock trace 2 openat,read\n"
    "  halfcell ctl /tmp/run.sock tail 2\n"
    "  halfcell ctl /tmp/run.sock blocked\n"
    "  halfcell ctl /tmp/run.sock\n";

std::string absolute_on_host(const std::string& path) {
    std::error_code error;
    std::string absolute = std::filesystem::absolute(path, error).lexically_normal().string();
    if (absolute.size() > 1 && absolute.ends_with('/')) absolute.pop_back();
    return absolute;
}

// HOST, HOST:GUEST or HOST:GUEST:ro; the host part may not contain a colon. A host path alone is shown where
// its absolute form says.
std::string parse_bind(const std::string& text, Bind& bind) {
    const std::size_t first = text.find(':');
    if (text.empty() || first == 0) return "expected HOST[:GUESTPATH[:ro]], got '" + text + "'";
    if (first == std::string::npos) {
        bind = {.host = text, .guest = absolute_on_host(text)};
        return "";
    }
    bind.host = text.substr(0, first);
    bind.guest = text.substr(first + 1);
    const std::size_t second = bind.guest.find(':');
    if (second != std::string::npos) {
        const std::string mode = bind.guest.substr(second + 1);
        if (mode != "ro" && mode != "rw")
            return "expected :ro or :rw after the guest path, got ':" + mode + "'";
        bind.read_only = mode == "ro";
        bind.guest.resize(second);
    }
    if (bind.guest.empty() || bind.guest.front() != '/')
        return "the guest path must be absolute, got '" + bind.guest + "'";
    return "";
}

// NAME=unix:PATH or NAME=COMMAND…, whose words are split as a shell would; what is wrong with it, if
// anything.
std::string parse_host_scheme(const std::string& text, HostScheme& scheme) {
    constexpr std::string_view kSocket = "unix:";
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
        return "expected NAME=COMMAND or NAME=unix:PATH, got '" + text + "'";
    scheme.name = text.substr(0, equals);
    if (scheme.name.find_first_of(":/") != std::string::npos)
        return "a scheme's name has neither ':' nor '/', got '" + scheme.name + "'";
    const std::string rest = text.substr(equals + 1);
    if (rest.starts_with(kSocket)) {
        scheme.socket = absolute_on_host(rest.substr(kSocket.size()));
        return rest.size() == kSocket.size() ? "expected a path after 'unix:'" : "";
    }
    auto words = split_words(rest);
    if (!words) return "a quote is not closed in '" + rest + "'";
    if (words->empty()) return "expected a command after '" + scheme.name + "='";
    scheme.command = std::move(*words);
    return "";
}

// NAME=VALUE as it is; NAME, or PREFIX*, as the host's environment has them, if it does.
void add_environment(const std::string& text, std::vector<std::string>& environment) {
    if (text.find('=') != std::string::npos) {
        environment.push_back(text);
        return;
    }
    const bool prefix = text.ends_with('*');
    const std::string wanted = prefix ? text.substr(0, text.size() - 1) : text + "=";
    for (char** entry = environ; *entry != nullptr; ++entry)
        if (std::string_view(*entry).starts_with(wanted)) environment.emplace_back(*entry);
}

// Adds what run, trace and boot have in common.
void add_world_options(CLI::App& app, WorldOptions& world) {
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
               for (const std::string& text : texts)
                   add_environment(text, world.environment);
           },
           "set an environment variable of the guest, or pass the host's on (repeatable)")
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
        ->transform(CLI::AsSizeValue(false));
    world.context_limit = host::comfortable_guest_threads(host::read_host_limits());
    app.add_option("--process-limit", world.context_limit,
                   "guest threads and processes at once; beyond it EAGAIN (default here: " +
                       std::to_string(world.context_limit) + ")");
}

// What run and trace have, too: boot has nobody a control socket could ask.
void add_control_options(CLI::App& app, ControlOptions& control) {
    app.add_option("--control", control.where,
                   "listen there for commands of halfcell ctl: a socket's path, or @NAME for an abstract one")
        ->type_name("PATH|@NAME");
    app.add_option("--control-uid", control.user, "who may send commands, besides root (default: this user)");
    app.add_option("--control-gid", control.group, "a group that may send commands");
}

void add_trace_details(CLI::App& app, TraceOptions& trace) {
    app.add_flag("--json", trace.json, "one JSON object a line");
    app.add_option("-e,--expression", trace.filters, "only these calls (openat,read), or scheme=NAME")
        ->allow_extra_args(false);
}

// Help as CLI11 makes it, but for what its own notation would not tell: that a program follows the options,
// and that a flag may have a file.
class HelpFormatter final : public CLI::Formatter {
  public:
    std::string make_usage(const CLI::App* app, std::string name) const override {
        std::string text = CLI::Formatter::make_usage(app, std::move(name));
        if (!app->get_prefix_command()) return text;
        const std::size_t end = text.find_last_not_of('\n') + 1;
        return text.insert(end, " [--] PROGRAM [ARGUMENT]...");
    }
    std::string make_option_name(const CLI::Option* option, bool positional) const override {
        std::string name = CLI::Formatter::make_option_name(option, positional);
        if (const std::size_t at = name.find("{-}"); at != std::string::npos) name.replace(at, 3, "[=FILE]");
        return name;
    }
};

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

}  // namespace

Command parse_command_line(int argc, char** argv) {
    CLI::App app{"halfcell: a Redox kernel that runs as an ordinary Linux process", "halfcell"};
    app.set_version_flag("--version", "halfcell " + control::version() + " (redox_syscall 0.7.4)");
    app.require_subcommand(1);
    app.footer(kFooter);
    const auto formatter = std::make_shared<HelpFormatter>();
    formatter->column_width(34);
    app.formatter(formatter);

    RunCommand run;
    CLI::App* const run_app = app.add_subcommand("run", "run a program made for Redox");
    add_world_options(*run_app, run.world);
    add_control_options(*run_app, run.world.control);
    std::string run_trace;
    run_app->add_flag("--trace{-}", run_trace, "show the program's calls on standard error, or in FILE");
    run_app->prefix_command();
    run_app->footer(kFooter);

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
    gdb_app->add_option("--pid", gdb_pid,
                        "attach to this process of a run that goes on, instead of starting one");
    gdb_app->add_option("--control", gdb_attach.where, "with --pid: the control socket of that run")
        ->type_name("PATH|@NAME");
    gdb_app->prefix_command();
    gdb_app->footer(kGdbFooter);

    BootCommand boot;
    CLI::App* const boot_app =
        app.add_subcommand("boot", "start a flat image or ELF as Redox's kernel starts its bootstrap");
    add_world_options(*boot_app, boot.world);
    boot_app->add_option("IMAGE", boot.image, "flat image (entry at offset 0x1a) or ELF")->required();
    boot_app->add_option("--base", boot.base, "where a flat image is mapped (default 0x1000)");
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
    conform_app->footer(kConformFooter);

    CtlCommand ctl;
    CLI::App* const ctl_app =
        app.add_subcommand("ctl", "watch and steer a run that was started with --control");
    ctl_app->add_option("PATH", ctl.where, "its socket, as --control has it")->required();
    ctl_app->add_flag("--json", ctl.json, "answers as they come: one JSON object a line");
    ctl_app->prefix_command();
    ctl_app->footer(kCtlFooter);

    CLI::App* const compat_app = app.add_subcommand("compat", "print the compatibility table (Markdown)");
    compat_app->group("");

    int separator = argc;
    for (const CLI::App* const sub : {run_app, trace_app, gdb_app})
        if (argc > 1 && sub->get_name() == argv[1]) separator = separator_index(*sub, argc, argv);

    try {
        app.parse(separator, argv);
    } catch (const CLI::ParseError& error) {
        const int status = app.exit(error);
        return Finished{status == 0 ? 0 : kExitOwnFailure};
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
        const std::string name = sub.get_name();
        if (program.empty()) {
            std::fprintf(stderr, "halfcell %s: no PROGRAM given; see halfcell %s --help\n", name.c_str(),
                         name.c_str());
            return false;
        }
        if (!behind_separator && program.front().starts_with('-')) {
            std::fprintf(stderr, "halfcell %s: unknown option %s; see halfcell %s --help\n", name.c_str(),
                         program.front().c_str(), name.c_str());
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
            std::fprintf(stderr, "halfcell gdb: --pid and --control go together\n");
            return Finished{kExitOwnFailure};
        }
        if (!gdb_app->remaining().empty() || separator < argc) {
            std::fprintf(stderr, "halfcell gdb: --pid and a PROGRAM exclude each other\n");
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
