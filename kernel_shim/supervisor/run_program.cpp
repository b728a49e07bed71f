// World::run: a program with the userland contract around it (stack, descriptors, process manager).
// Source: relibc:redox-rt/src/proc.rs fexec_impl, base:bootstrap/src/exec.rs.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "abi/auxv.h"
#include "abi/proc_call.h"
#include "kernel_shim/boot/elf.h"
#include "kernel_shim/boot/initial_stack.h"
#include "kernel_shim/boot/load_image.h"
#include "kernel_shim/scheme/opened.h"
#include "kernel_shim/supervisor/exception_text.h"
#include "kernel_shim/supervisor/parts.h"
#include "kernel_shim/supervisor/program_file.h"
#include "kernel_shim/supervisor/terminal_bridge.h"

namespace halfcell::supervisor {

namespace {

constexpr std::uint64_t kUmask = 022;
constexpr std::uint64_t kNoDescriptor = UINT64_MAX;
constexpr std::string_view kDefaultPath = "/bin:/usr/bin:/scheme/initfs/bin";
// What upstream's getty says.
constexpr std::string_view kDefaultTerminalKind = "xterm-256color";

LaunchProblem errno_problem(int status, const std::string& what, Errno error) {
    return {status, what + ": " + abi::errno_text(error) + " (" + abi::errno_name(error) + ")"};
}

using schemes::PtyScheme;

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
    return environment;
}

std::string_view path_of(const std::vector<std::string>& environment) {
    for (const std::string_view entry : environment)
        if (entry.starts_with("PATH=")) return entry.substr(5);
    return kDefaultPath;
}

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

// What a shell of the host makes of a program's end. A fault gets the number of the signal a POSIX kernel
// would have sent for it, and a line, since nothing in the guest can have said a word about it.
int host_status(const std::string& name, const schemes::procmgr::ExitStatus& ended) {
    using Kind = schemes::procmgr::ExitStatus::Kind;
    constexpr int kSignalBase = 128;
    switch (ended.kind) {
        case Kind::kExited:
            return static_cast<int>(ended.code & 0xff);
        case Kind::kSignaled:
            return kSignalBase + static_cast<int>(ended.signal);
        case Kind::kException:
            break;
    }
    std::fprintf(stderr, "halfcell: %s: %s\n", name.c_str(), describe_exception(ended.exception).c_str());
    return kSignalBase + signal_of_exception(ended.exception.kind);
}

using schemes::procmgr::Pid;

Expected<ProgramFile, LaunchProblem> find_program(World::Parts& parts, const std::string& name,
                                                  const std::vector<std::string>& environment) {
    if (name.find('/') != std::string::npos) return read_host_program(name);
    return read_guest_program(parts.names, parts.own_caller(), name, path_of(environment));
}

Expected<boot::ElfImage, LaunchProblem> check_program(const ProgramFile& program) {
    auto image = boot::parse_elf(program.bytes);
    if (!image)
        return unexpected(
            LaunchProblem{kExitCannotRun, program.name + ": " + std::string(boot::describe(image.error()))});
    if (!image->interpreter.empty())
        return unexpected(
            LaunchProblem{kExitCannotRun, program.name + ": needs the interpreter " + image->interpreter +
                                              "; only static programs run so far (link with -static)"});
    return std::move(*image);
}

Result<std::uint64_t> add_upper(fd::FdTable& files, scheme::DescriptionRef description) {
    const FdNumber fd = TRY(files.add_from(FdNumber{abi::kUpperFdtblTag}, {std::move(description), false}));
    return fd.value();
}

// A context with everything a program finds at its entry, running. `directory` may be empty.
Result<Pid> start_program(World::Parts& parts, const ProgramFile& program, const boot::ElfImage& image,
                          scheme::DescriptionRef directory, const std::vector<std::string>& words,
                          const std::vector<std::string>& environment, const PtyScheme::Hosted* terminal) {
    const auto space = mem::AddressSpace::create(*parts.pool, *parts.machines);
    const auto files = std::make_shared<fd::FdTable>();
    const boot::LoadedImage loaded = TRY(boot::load_image(*space, *parts.pool, image, program.bytes));
    TRY(add_standard_files(parts, terminal, *files));
    const auto context = TRY(parts.kernel.contexts.create(space, files));
    using Session = schemes::procmgr::ProcmgrScheme::InitialSession;
    const auto process = parts.processes->create_initial(
        context, {.name = program.name}, terminal != nullptr ? Session::kOwn : Session::kOfInit);
    if (terminal != nullptr) terminal->terminal->set_group(process.pid);

    boot::InitialStackContent content{
        .arguments = words, .environment = environment, .working_directory = parts.working_directory};
    content.auxiliary = {
        {abi::Auxv::kRedoxCwdFd, directory ? TRY(add_upper(*files, std::move(directory))) : kNoDescriptor},
        {abi::Auxv::kRedoxNsFd, TRY(add_upper(*files, parts.program_names))},
        {abi::Auxv::kRedoxThrFd, TRY(add_upper(*files, process.thread_fd))},
        {abi::Auxv::kRedoxProcFd, TRY(add_upper(*files, process.proc_fd))},
        {abi::Auxv::kRedoxUmask, kUmask},
        {abi::Auxv::kPhent, boot::kProgramHeaderSize},
        {abi::Auxv::kPhnum, image.program_header_count},
        {abi::Auxv::kPhdr, loaded.program_headers},
        {abi::Auxv::kEntry, loaded.entry},
    };
    machine::ThreadRegisters registers;
    registers.rip = loaded.entry;
    registers.rsp = TRY(boot::build_initial_stack(*space, content));
    context->set_initial_registers(registers);
    TRY(context->mark_started());
    TRY(parts.kernel.workers.start(context));
    return process.pid;
}

// From words to a running process. What was read for it is given back before anybody waits.
Expected<Pid, LaunchProblem> launch(World::Parts& parts, const std::vector<std::string>& words,
                                    const PtyScheme::Hosted* terminal) {
    const std::vector<std::string> environment =
        guest_environment(parts.options, terminal != nullptr ? terminal->terminal.get() : nullptr);
    const auto program = find_program(parts, words.front(), environment);
    if (!program) return unexpected(program.error());
    const auto image = check_program(*program);
    if (!image) return unexpected(image.error());
    auto directory = open_at(parts.program_names, parts.own_caller(), parts.working_directory,
                             abi::OpenFlags::kStat | abi::OpenFlags::kDirectory);
    // A program that is to find no files must not reach them by its working directory either.
    if (!directory && directory.error() == Errno::kENODEV && !parts.options.schemes.empty())
        directory = scheme::DescriptionRef();
    if (!directory)
        return unexpected(errno_problem(kExitOwnFailure, "working directory " + parts.working_directory,
                                        directory.error()));
    const auto started =
        start_program(parts, *program, *image, std::move(*directory), words, environment, terminal);
    if (started) return *started;
    const bool program_at_fault = started.error() == Errno::kEEXIST || started.error() == Errno::kE2BIG;
    return unexpected(errno_problem(program_at_fault ? kExitCannotRun : kExitOwnFailure,
                                    program->name + ": cannot be started", started.error()));
}

// Waits for the program's end; in the meantime its terminal is the host's.
Result<schemes::procmgr::ExitStatus> wait_for(World::Parts& parts, Pid pid,
                                              std::optional<PtyScheme::Hosted>& terminal) {
    if (!terminal) return parts.processes->wait_initial(pid);
    // The program holds its own references: what it closes shall be closed.
    terminal->slave = {};
    const auto hang_up = [&parts, &terminal, pid] {
        parts.terminals->close_terminal(*terminal->terminal);
        (void)parts.processes->signal_as_init(static_cast<std::int64_t>(pid), abi::Signal::kHup);
    };
    auto bridge = TerminalBridge::start(*parts.host_terminal, *terminal->terminal, hang_up);
    if (!bridge) (void)parts.processes->terminate(pid, abi::Signal::kKill);
    auto ended = parts.processes->wait_initial(pid);
    if (!bridge) return fail(bridge.error());
    bridge->reset();
    parts.terminals->close_terminal(*terminal->terminal);
    return ended;
}

}  // namespace

Result<void> World::change_directory(const std::string& path) {
    const scheme::Caller caller = parts_->own_caller();
    const std::string absolute = path.starts_with('/') ? path : parts_->working_directory + "/" + path;
    TRY(open_at(parts_->program_names, caller, absolute, abi::OpenFlags::kStat | abi::OpenFlags::kDirectory));
    parts_->working_directory = absolute;
    return {};
}

const std::string& World::working_directory() const {
    return parts_->working_directory;
}

int World::run(const std::vector<std::string>& words) {
    std::optional<PtyScheme::Hosted> terminal;
    if (parts_->host_terminal != nullptr) {
        terminal = parts_->terminals->host_terminal();
        terminal->terminal->set_winsize(parts_->host_terminal->size());
    }
    const auto started = launch(*parts_, words, terminal ? &*terminal : nullptr);
    if (!started) {
        std::fprintf(stderr, "halfcell: %s\n", started.error().message.c_str());
        return started.error().status;
    }
    const auto ended = wait_for(*parts_, *started, terminal);
    return ended ? host_status(words.front(), *ended) : kExitOwnFailure;
}

}  // namespace halfcell::supervisor
