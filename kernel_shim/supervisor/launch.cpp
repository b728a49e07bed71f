// From a program that was found to a running process: stack, descriptors, process manager.
// Source: relibc:redox-rt/src/proc.rs fexec_impl, base:bootstrap/src/exec.rs.

#include "kernel_shim/supervisor/launch.h"

#include <algorithm>
#include <cstdlib>

#include "abi/auxv.h"
#include "kernel_shim/boot/initial_stack.h"
#include "kernel_shim/boot/load_image.h"
#include "kernel_shim/scheme/opened.h"
#include "kernel_shim/supervisor/because.h"
#include "kernel_shim/supervisor/confinement.h"
#include "kernel_shim/supervisor/program.h"

namespace halfcell::supervisor {

namespace {

using schemes::PtyScheme;
using schemes::procmgr::Pid;

constexpr std::uint64_t kUmask = 022;
constexpr std::uint64_t kNoDescriptor = UINT64_MAX;
constexpr std::string_view kDefaultPath = "/bin:/usr/bin:/scheme/initfs/bin";
// What upstream's getty says.
constexpr std::string_view kDefaultTerminalKind = "xterm-256color";

LaunchProblem errno_problem(int status, const std::string& what, Errno error) {
    return {status, because(what, error)};
}

// The guest's environment: what the user gave, and what a login would add where they gave none: a PATH, and
// on a terminal its kind and its name.
std::vector<std::string> guest_environment(const WorldOptions& options, const schemes::Terminal* terminal) {
    std::vector<std::string> environment = options.environment;
    const auto add = [&](const std::string& name, std::string_view value) {
        const auto has_name = [&](const std::string& entry) { return entry.starts_with(name + "="); };
        if (std::ranges::none_of(environment, has_name))
            environment.push_back(name + "=" + std::string(value));
    };
    add("PATH", kDefaultPath);
    if (terminal == nullptr) return environment;
    const char* const kind = std::getenv("TERM");
    add("TERM", kind != nullptr ? kind : kDefaultTerminalKind);
    add("TTY", terminal->path());
    add("USER", "root");
    add("HOME", "/root");
    add("SHELL", "/bin/sh");
    return environment;
}

std::string_view path_of(const std::vector<std::string>& environment) {
    for (const std::string_view entry : environment)
        if (entry.starts_with("PATH=")) return entry.substr(5);
    return kDefaultPath;
}

// Opens a path through a handle, for the supervisor itself. Errors of the scheme's openat.
Result<scheme::DescriptionRef> open_at(const scheme::DescriptionRef& base, const scheme::Caller& caller,
                                       const std::string& path, std::uint64_t flags) {
    scheme::Scheme* const source = TRY(base->scheme());
    auto opened = TRY(source->openat(caller, base->number(), path, flags, 0));
    return scheme::describe_opened(*base, std::move(opened), flags);
}

// Standard input, output and error in the lower table, as a program started by a login finds them: the
// guest's terminal for each that is the host's, else the host's file.
Result<void> add_standard_files(World::Parts& parts, const PtyScheme::Hosted* terminal, fd::FdTable& files) {
    const std::pair<const char*, std::uint64_t> kStandard[] = {
        {"0", abi::OpenFlags::kRdonly}, {"1", abi::OpenFlags::kWronly}, {"2", abi::OpenFlags::kWronly}};
    for (int number = 0; const auto& [name, flags] : kStandard) {
        auto file = terminal != nullptr && parts.host_terminal->is(number)
                        ? terminal->slave
                        : TRY(open_at(parts.stdio, parts.own_caller(), name, flags));
        TRY(files.add({std::move(file), false}));
        ++number;
    }
    return {};
}

Result<std::uint64_t> add_upper(fd::FdTable& files, scheme::DescriptionRef description) {
    const FdNumber fd = TRY(files.add_from(FdNumber{abi::kUpperFdtblTag}, {std::move(description), false}));
    return fd.value();
}

// Where kernel-chosen memory begins once a linker is loaded: behind all that is there, as fexec_impl says.
std::uint64_t end_of_images(const mem::AddressSpace& space) {
    std::uint64_t end = 0;
    for (const abi::GrantDesc& grant : space.describe())
        if (grant.base + grant.size <= machine::kUserEnd - boot::kStackSize)
            end = std::max(end, grant.base + grant.size);
    return end;
}

struct LoadedProgram {
    boot::LoadedImage main;
    std::optional<boot::LoadedImage> linker;

    [[nodiscard]] std::uint64_t entry() const { return linker ? linker->entry : main.entry; }
};

Result<LoadedProgram> load(mem::AddressSpace& space, machine::Pool& pool, const Program& program) {
    LoadedProgram loaded{
        .main = TRY(boot::load_image(space, pool, program.main.image, program.main.file.bytes)),
        .linker = {}};
    if (program.linker)
        loaded.linker = TRY(boot::load_image(space, pool, program.linker->image, program.linker->file.bytes));
    return loaded;
}

// What a program is told about itself, in the order of exec. `directory` may be empty.
Result<boot::InitialStackContent> stack_content(
    World::Parts& parts, const Program& program, const LoadedProgram& loaded, fd::FdTable& files,
    scheme::DescriptionRef directory, const schemes::procmgr::ProcmgrScheme::InitialProcess& process) {
    boot::InitialStackContent content{.arguments = program.arguments,
                                      .environment = {},
                                      .working_directory = parts.options.working_directory};
    content.auxiliary = {
        {abi::Auxv::kRedoxCwdFd, directory ? TRY(add_upper(files, std::move(directory))) : kNoDescriptor},
        {abi::Auxv::kRedoxNsFd, TRY(add_upper(files, parts.program_names))},
        {abi::Auxv::kRedoxThrFd, TRY(add_upper(files, process.thread_fd))},
        {abi::Auxv::kRedoxProcFd, TRY(add_upper(files, process.proc_fd))},
        {abi::Auxv::kRedoxUmask, kUmask},
        {abi::Auxv::kPhent, boot::kProgramHeaderSize},
        {abi::Auxv::kPhnum, program.main.image.program_header_count},
        {abi::Auxv::kPhdr, loaded.main.program_headers},
    };
    if (loaded.linker) content.auxiliary.emplace_back(abi::Auxv::kBase, loaded.linker->bias);
    content.auxiliary.emplace_back(abi::Auxv::kEntry, loaded.main.entry);
    return content;
}

// A context with everything a program finds at its entry, running.
Result<Pid> start(World::Parts& parts, const Program& program, scheme::DescriptionRef directory,
                  const std::vector<std::string>& environment, const PtyScheme::Hosted* terminal) {
    const auto space = mem::AddressSpace::create(*parts.pool, *parts.machines);
    const auto files = std::make_shared<fd::FdTable>();
    const LoadedProgram loaded = TRY(load(*space, *parts.pool, program));
    TRY(add_standard_files(parts, terminal, *files));
    const auto context = TRY(parts.kernel.contexts.create(space, files));
    using Session = schemes::procmgr::ProcmgrScheme::InitialSession;
    const auto process = parts.processes->create_initial(
        context, {.name = program.process_name}, terminal != nullptr ? Session::kOwn : Session::kOfInit);
    if (terminal != nullptr) terminal->terminal->set_group(process.pid);

    auto content = TRY(stack_content(parts, program, loaded, *files, std::move(directory), process));
    content.environment = environment;
    machine::ThreadRegisters registers;
    registers.rip = loaded.entry();
    registers.rsp = TRY(boot::build_initial_stack(*space, content));
    if (loaded.linker) TRY(space->set_lowest_mappable(end_of_images(*space)));
    context->set_initial_registers(registers);
    context->set_entry_stack(registers.rsp);
    if (parts.before_start) TRY(parts.before_start(context));
    TRY(context->mark_started());
    TRY(parts.kernel.workers.start(context));
    return process.pid;
}

}  // namespace

// What was read for the program is given back before anybody waits for its end.
Expected<Pid, LaunchProblem> launch(World::Parts& parts, const std::vector<std::string>& words,
                                    const PtyScheme::Hosted* terminal) {
    const std::vector<std::string> environment =
        guest_environment(parts.options, terminal != nullptr ? terminal->terminal.get() : nullptr);
    const scheme::Caller caller = parts.own_caller();
    const auto program = find_program({.names = parts.names,
                                       .caller = caller,
                                       .options = parts.options,
                                       .path_variable = path_of(environment)},
                                      words);
    if (!program) return unexpected(program.error());
    auto directory = open_at(parts.program_names, caller, parts.options.working_directory,
                             abi::OpenFlags::kStat | abi::OpenFlags::kDirectory);
    // A program that is to find no files must not reach them by its working directory either.
    if (!directory && directory.error() == Errno::kENODEV && !parts.options.schemes.empty())
        directory = scheme::DescriptionRef();
    if (!directory)
        return unexpected(errno_problem(
            kExitOwnFailure, "working directory " + parts.options.working_directory, directory.error()));
    if (const auto confined = confine_calls(parts.options, parts.control.get()); !confined)
        return unexpected(LaunchProblem{kExitOwnFailure, confined.error()});
    const auto started = start(parts, *program, std::move(*directory), environment, terminal);
    if (started) return *started;
    const bool program_at_fault = started.error() == Errno::kEEXIST || started.error() == Errno::kE2BIG;
    return unexpected(errno_problem(program_at_fault ? kExitCannotRun : kExitOwnFailure,
                                    program->main.file.name + ": cannot be started", started.error()));
}

}  // namespace halfcell::supervisor
