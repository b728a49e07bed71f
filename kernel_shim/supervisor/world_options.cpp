#include "kernel_shim/supervisor/world_options.h"

#include "kernel_shim/host/capacity.h"
#include "kernel_shim/supervisor/option_values.h"

namespace halfcell::supervisor {

void add_world_options(CLI::App& app, WorldOptions& world) {
    world.command = app.get_name();
    app.add_option("--root", world.root,
                   "host directory that is the guest's / (default: a fresh one in memory)")
        ->type_name("DIR")
        ->check(CLI::Validator(CLI::ExistingDirectory).description(""));
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
                   "what a call does that the supervisor has given up: kill it (default), say which one and "
                   "abort, or log it and go on")
        ->type_name("kill|say|log")
        ->transform(one_of<confine::OnViolation>({{"kill", confine::OnViolation::kKill},
                                                  {"say", confine::OnViolation::kSay},
                                                  {"log", confine::OnViolation::kLog}}));
    app.add_option("--memory-limit", world.memory_limit,
                   "bytes of guest memory, e.g. 64M, and as many for what waits in pipes and sockets; "
                   "beyond it ENOMEM, for files in memory ENOSPC")
        ->type_name("SIZE")
        ->transform(size_in_bytes());
    world.context_limit = host::comfortable_guest_threads(host::read_host_limits());
    app.add_option("--process-limit", world.context_limit,
                   "guest threads and processes at once; beyond it EAGAIN (default here: " +
                       std::to_string(world.context_limit) + ")")
        ->check(whole_number());
}

void add_control_options(CLI::App& app, ControlOptions& control) {
    app.add_option("--control", control.where,
                   "listen there for commands of halfcell ctl: a socket's path, or @NAME for an abstract one")
        ->type_name("PATH|@NAME");
    app.add_option("--control-uid", control.user, "who may send commands, besides root (default: this user)")
        ->check(whole_number());
    app.add_option("--control-gid", control.group, "a group that may send commands")->check(whole_number());
}

}  // namespace halfcell::supervisor
