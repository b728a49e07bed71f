#include "kernel_shim/supervisor/scheme_set.h"

#include <cstdio>

#include "kernel_shim/scheme/opened.h"
#include "kernel_shim/supervisor/because.h"
#include "kernel_shim/supervisor/program_file.h"
#include "schemes/file/file_scheme.h"
#include "schemes/host_server/host_server.h"
#include "schemes/initfs/initfs.h"
#include "schemes/ipc/chan_scheme.h"
#include "schemes/ipc/uds_dgram_scheme.h"
#include "schemes/ipc/uds_stream_scheme.h"
#include "schemes/kernel/install.h"
#include "schemes/log/log.h"
#include "schemes/manager/scheme_manager.h"
#include "schemes/memfs/budget.h"
#include "schemes/memfs/guest_tree.h"
#include "schemes/nsmgr/namespace_scheme.h"
#include "schemes/null/null.h"
#include "schemes/rand/rand.h"
#include "schemes/shm/shm_scheme.h"
#include "schemes/stdio/stdio.h"
#include "schemes/zero/zero.h"
#include "userland/embedded.h"

namespace halfcell::supervisor {

namespace {

std::vector<memfs::FixedFile> embedded_files() {
    std::vector<memfs::FixedFile> files;
    for (const userland::EmbeddedProgram& program : userland::embedded_programs())
        files.push_back({"bin/" + std::string(program.name), program.image});
    return files;
}

memfs::GuestTree guest_tree(const WorldOptions& options) {
    const auto writes = [](bool read_only) {
        return read_only ? file::Writes::kRefused : file::Writes::kAllowed;
    };
    memfs::GuestTree tree{.host_root = options.root,
                          .writes = writes(options.read_only),
                          .memory_limit = options.memory_limit,
                          .programs = embedded_files()};
    for (const Bind& bind : options.binds)
        tree.binds.push_back({bind.host, bind.guest, writes(bind.read_only)});
    if (const auto bind = bind_for_program(options))
        tree.binds.push_back({bind->host, bind->guest, writes(bind->read_only)});
    return tree;
}

// Registers schemes and remembers their roots under their names.
class Registrar {
  public:
    Registrar(scheme::SchemeRegistry& schemes, nsmgr::Namespace& names) : schemes_(schemes), names_(names) {}

    // The id and root of a scheme that is new.
    Result<scheme::DescriptionRef> enter(std::shared_ptr<scheme::Scheme> scheme) {
        const SchemeId id = TRY(schemes_.add(std::move(scheme)));
        return schemes_.open_root(id);
    }
    // The same, and programs find it as /scheme/NAME.
    Result<scheme::DescriptionRef> publish(std::shared_ptr<scheme::Scheme> scheme) {
        const std::string name(scheme->name());
        scheme::DescriptionRef root = TRY(enter(std::move(scheme)));
        TRY(names_.insert(name, root));
        return root;
    }
    // A kernel scheme that is registered already.
    Result<void> publish(SchemeId id, const scheme::Scheme& scheme) {
        scheme::DescriptionRef root = TRY(schemes_.open_root(id));
        return names_.insert(scheme.name(), std::move(root));
    }

  private:
    scheme::SchemeRegistry& schemes_;
    nsmgr::Namespace& names_;
};

// All but kernel.proc: what it gives out is the process manager's to give. Source: base:bootstrap.
Result<void> publish_kernel_schemes(Registrar& registrar, const scheme::SchemeRegistry& schemes) {
    for (const auto& scheme : schemes.all()) {
        const bool hidden = scheme->id() >= scheme::kSchemeManagerId ||
                            scheme->id() == SchemeId{static_cast<std::uint32_t>(abi::GlobalSchemes::kProc)};
        if (!hidden) TRY(registrar.publish(scheme->id(), *scheme));
    }
    return {};
}

// What programs are given: everything, or what the user lists. The message says what is wrong with the list.
Expected<scheme::DescriptionRef, std::string> names_for_programs(const World::Parts& parts,
                                                                 const nsmgr::Namespace& names,
                                                                 nsmgr::NamespaceScheme& manager) {
    const std::vector<std::string>& wanted = parts.options.schemes;
    if (wanted.empty()) return parts.names;
    for (const std::string& name : wanted) {
        if (!names.fork(std::span(&name, 1))->names().empty()) continue;
        std::string message = "--schemes: there is no " + name + "; there are";
        for (const std::string& known : names.names())
            message += " " + known;
        return unexpected(std::move(message));
    }
    auto restricted = scheme::describe_opened(*parts.names, manager.open_restricted(names.fork(wanted)),
                                              parts.names->flags());
    if (!restricted) return unexpected(because("--schemes", restricted.error()));
    return std::move(*restricted);
}

// Lines of the log go to standard error.
schemes::LogSink log_sink(const World::Parts& parts) {
    return [end = parts.own_line_end()](std::string_view context, std::string_view line) {
        std::string text(context);
        if (!context.empty()) text += ": ";
        text.append(line).append(end);
        (void)std::fwrite(text.data(), 1, text.size(), stderr);
    };
}

// A key is a signal of root's, as it is from upstream's pty daemon.
std::shared_ptr<schemes::PtyScheme> make_terminals(World::Parts& parts) {
    const std::weak_ptr<schemes::procmgr::ProcmgrScheme> processes = parts.processes;
    return std::make_shared<schemes::PtyScheme>(
        parts.kernel.clock, [processes](std::uint32_t group, std::uint32_t signal) {
            // A group that has gone hears nothing.
            if (const auto manager = processes.lock())
                (void)manager->signal_as_init(-static_cast<std::int64_t>(group), signal);
        });
}

// What programs talk to each other through. Source: base:ipcd.
Result<void> publish_ipc(Registrar& registrar, World::Parts& parts) {
    const std::weak_ptr<schemes::procmgr::ProcmgrScheme> processes = parts.processes;
    const ipc::RealCredentials real = [processes](const scheme::Caller& caller) -> Result<ipc::Credentials> {
        const auto manager = processes.lock();
        if (manager == nullptr) return fail(Errno::kEINVAL);
        const auto identity = manager->identity_of(caller.pid);
        if (!identity) return fail(Errno::kEINVAL);
        return ipc::Credentials{.pid = static_cast<std::int32_t>(caller.pid),
                                .uid = static_cast<std::int32_t>(identity->ruid),
                                .gid = static_cast<std::int32_t>(identity->rgid)};
    };
    TRY(registrar.publish(std::make_shared<ipc::ChanScheme>(parts.kernel.queues)));
    TRY(registrar.publish(std::make_shared<ipc::UdsStreamScheme>(real, parts.kernel.queues)));
    TRY(registrar.publish(std::make_shared<ipc::UdsDgramScheme>(real, parts.kernel.queues)));
    const std::uint64_t limit = memfs::most_for_files(parts.options.memory_limit);
    TRY(registrar.publish(std::make_shared<schemes::ShmScheme>(limit, parts.kernel.pool)));
    return {};
}

// Servers of the host, each of which must be there before the first program starts.
Expected<void, std::string> install_host_schemes(World::Parts& parts, Registrar& registrar) {
    if (parts.options.host_schemes.empty()) return {};
    const auto files = std::make_shared<schemes::HostfdScheme>(parts.kernel.pool);
    const auto failure = [](const HostScheme& wanted, const std::string& what) {
        const std::string& server = wanted.command.empty() ? wanted.socket : wanted.command.front();
        return unexpected("--scheme " + wanted.name + ": " + server + ": " + what);
    };
    // Known by its descriptions alone, so it needs an id and no name.
    if (const auto entered = parts.kernel.schemes.add(files); !entered)
        return unexpected(because("--scheme", entered.error()));
    const auto tell = [prefix = "halfcell " + parts.options.command + ": ",
                       end = parts.own_line_end()](const std::string& line) {
        std::fputs((prefix + line + std::string(end)).c_str(), stderr);
    };
    auto link = parts.server_links.begin();
    for (const HostScheme& wanted : parts.options.host_schemes) {
        auto server = host_server::HostServer::create(wanted.name, std::move(*link++), parts.kernel.schemes,
                                                      files, {}, tell);
        if (!server) return failure(wanted, abi::errno_text(server.error()));
        if (const auto published = registrar.publish(*server); !published)
            return failure(wanted, because("the name cannot be used", published.error()));
        std::string what;
        if (const auto connected = (*server)->connect(parts.own_waiter, &what); !connected)
            return failure(wanted, what);
    }
    return {};
}

}  // namespace

void install_kernel(World::Parts& parts) {
    schemes::install_kernel_schemes(parts.kernel, {.console = *parts.console, .log = parts.log});
    parts.contexts = std::make_shared<schemes::proc::ProcScheme>(parts.kernel);
    parts.kernel.schemes.add(SchemeId{static_cast<std::uint32_t>(abi::GlobalSchemes::kProc)}, parts.contexts);
    parts.kernel.schemes.add(scheme::kSchemeManagerId,
                             std::make_shared<schemes::SchemeManager>(parts.kernel));
}

Expected<void, std::string> install_userland(World::Parts& parts) {
    std::string culprit;
    auto mounts = memfs::mount_guest_tree(guest_tree(parts.options), culprit);
    if (!mounts) return unexpected(because(culprit, mounts.error()));

    const auto names = std::make_shared<nsmgr::Namespace>();
    std::shared_ptr<nsmgr::NamespaceScheme> manager;
    task::Kernel& kernel = parts.kernel;
    Registrar registrar(kernel.schemes, *names);
    const Result<void> installed = [&]() -> Result<void> {
        TRY(publish_kernel_schemes(registrar, kernel.schemes));
        parts.processes = std::make_shared<schemes::procmgr::ProcmgrScheme>(kernel, parts.contexts);
        TRY(registrar.publish(parts.processes));
        TRY(registrar.publish(std::make_shared<file::FileScheme>("file", std::move(*mounts), kernel.pool)));
        const auto programs = embedded_files();
        auto initial_files = TRY(initfs::create(programs, kernel.pool));
        TRY(registrar.publish(std::move(initial_files)));
        TRY(registrar.publish(schemes::make_null_scheme()));
        TRY(registrar.publish(schemes::make_zero_scheme()));
        TRY(registrar.publish(schemes::make_rand_scheme()));
        TRY(registrar.publish(schemes::make_log_scheme(log_sink(parts))));
        TRY(publish_ipc(registrar, parts));
        parts.terminals = make_terminals(parts);
        TRY(registrar.publish(parts.terminals));
        // The host's terminal is nobody's but ours.
        parts.stdio = parts.host_terminal != nullptr ? TRY(registrar.enter(parts.standard_files))
                                                     : TRY(registrar.publish(parts.standard_files));
        scheme::DescriptionRef creation = TRY(kernel.schemes.open_root(scheme::kSchemeManagerId));
        manager = std::make_shared<nsmgr::NamespaceScheme>(names, std::move(creation));
        parts.names = TRY(registrar.enter(manager));
        return {};
    }();
    if (!installed) return unexpected(because("cannot set the schemes up", installed.error()));
    if (auto served = install_host_schemes(parts, registrar); !served) return served;
    auto given = names_for_programs(parts, *names, *manager);
    if (!given) return unexpected(given.error());
    parts.program_names = std::move(*given);
    return {};
}

}  // namespace halfcell::supervisor
