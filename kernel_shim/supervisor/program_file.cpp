#include "kernel_shim/supervisor/program_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <span>

#include "abi/flags.h"
#include "kernel_shim/boot/script.h"
#include "kernel_shim/host/unique_fd.h"
#include "kernel_shim/scheme/redox_path.h"
#include "kernel_shim/supervisor/because.h"

namespace halfcell::supervisor {

namespace {

// Far above any program; a larger file is a mistake, and reading it would only exhaust memory.
constexpr std::uint64_t kLargestProgram = std::uint64_t{1} << 30;
// Holds the headers of every program that a linker makes.
constexpr std::size_t kGlance = 65536;

LaunchProblem too_large(const std::string& name) {
    return {kExitCannotRun, name + ": larger than 1 GiB, which no program is"};
}

LaunchProblem guest_problem(int status, const std::string& what, Errno error) {
    return {status, because(what, error)};
}

Result<scheme::DescriptionRef> open_in_guest(const scheme::DescriptionRef& root, const scheme::Caller& caller,
                                             const std::string& path) {
    scheme::Scheme* const names = TRY(root->scheme());
    auto opened = TRY(names->openat(caller, root->number(), path, abi::OpenFlags::kRdonly, 0));
    // The namespace hands out other schemes' descriptions only.
    if (auto* description = std::get_if<scheme::DescriptionRef>(&opened)) return std::move(*description);
    return fail(Errno::kEISDIR);
}

Expected<std::vector<std::byte>, LaunchProblem> read_all(const scheme::DescriptionRef& file,
                                                         const scheme::Caller& caller,
                                                         const std::string& path) {
    const auto source = file->scheme();
    if (!source) return unexpected(guest_problem(kExitCannotRun, path, source.error()));
    const auto size = (*source)->fsize(caller, file->number());
    if (!size) return unexpected(guest_problem(kExitCannotRun, path, size.error()));
    if (*size > kLargestProgram) return unexpected(too_large(path));
    std::vector<std::byte> bytes(*size);
    std::size_t done = 0;
    while (done < bytes.size()) {
        const auto room = mem::UserOut::local(std::span(bytes).subspan(done));
        const auto count = (*source)->read_at(caller, file->number(), room, done, {});
        if (!count) return unexpected(guest_problem(kExitCannotRun, path, count.error()));
        if (*count == 0) break;  // shrank meanwhile: the ELF reader judges what is there
        done += *count;
    }
    bytes.resize(done);
    return bytes;
}

// As execve asks of a file of root's; the rest of the mode is the scheme's to hold up.
Result<void> check_executable(const scheme::DescriptionRef& file, const scheme::Caller& caller) {
    constexpr std::uint16_t kOwnerExecutes = 0100;
    abi::Stat stat;
    const auto room = mem::UserOut::local(std::as_writable_bytes(std::span(&stat, 1)));
    scheme::Scheme* const source = TRY(file->scheme());
    TRY(source->fstat(caller, file->number(), room));
    if ((stat.st_mode & abi::Mode::kType) != abi::Mode::kFile) return fail(Errno::kEISDIR);
    if ((stat.st_mode & kOwnerExecutes) == 0) return fail(Errno::kEPERM);
    return {};
}

}  // namespace

Expected<ProgramFile, LaunchProblem> read_host_program(const std::string& path) {
    const auto host_problem = [&](int error) {
        const bool missing = error == ENOENT || error == ENOTDIR;
        return LaunchProblem{missing ? kExitNotFound : kExitCannotRun,
                             path + ": " + std::strerror(error) + " (host file)"};
    };
    const host::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!file.is_open()) return unexpected(host_problem(errno));
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return unexpected(host_problem(errno));
    if (S_ISDIR(status.st_mode)) return unexpected(host_problem(EISDIR));
    if (!S_ISREG(status.st_mode))
        return unexpected(LaunchProblem{kExitCannotRun, path + ": not a regular file"});
    if (static_cast<std::uint64_t>(status.st_size) > kLargestProgram) return unexpected(too_large(path));

    ProgramFile program{path, {}, std::vector<std::byte>(static_cast<std::size_t>(status.st_size))};
    std::size_t done = 0;
    while (done < program.bytes.size()) {
        const ssize_t count = ::read(file.get(), program.bytes.data() + done, program.bytes.size() - done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return unexpected(host_problem(errno));
        if (count == 0) break;  // shrank meanwhile: the ELF reader judges what is there
        done += static_cast<std::size_t>(count);
    }
    program.bytes.resize(done);
    return program;
}

Expected<ProgramFile, LaunchProblem> read_guest_program(const scheme::DescriptionRef& root,
                                                        const scheme::Caller& caller,
                                                        const std::string& path) {
    const auto file = open_in_guest(root, caller, path);
    if (!file) {
        const bool missing = file.error() == Errno::kENOENT || file.error() == Errno::kENODEV ||
                             file.error() == Errno::kENOTDIR;
        return unexpected(guest_problem(missing ? kExitNotFound : kExitCannotRun, path, file.error()));
    }
    if (const Result<void> executable = check_executable(*file, caller); !executable)
        return unexpected(guest_problem(kExitCannotRun, path, executable.error()));
    auto bytes = read_all(*file, caller, path);
    if (!bytes) return unexpected(bytes.error());
    return ProgramFile{path, path, std::move(*bytes)};
}

Expected<ProgramFile, LaunchProblem> search_guest_program(const scheme::DescriptionRef& root,
                                                          const scheme::Caller& caller,
                                                          const std::string& name,
                                                          std::string_view path_variable) {
    std::string_view rest = path_variable;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(':'), rest.size());
        const std::string directory(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (directory.empty()) continue;
        auto program = read_guest_program(root, caller, directory + "/" + name);
        if (program || program.error().status != kExitNotFound) return program;
    }
    return unexpected(LaunchProblem{kExitNotFound, name + ": not found in the guest's PATH (" +
                                                       std::string(path_variable) +
                                                       "); a host file needs a slash: ./" + name});
}

std::string absolute_guest_path(const std::string& working_directory, const std::string& path) {
    if (path.starts_with('/')) return path;
    return "/" + scheme::resolve_reference(std::string_view(working_directory).substr(1), path);
}

GuestView view_of_host_file(const WorldOptions& options, const std::string& path) {
    namespace fs = std::filesystem;
    std::error_code error;
    const fs::path real = fs::weakly_canonical(path, error);
    const auto below = [&](const std::string& directory,
                           const std::string& guest) -> std::optional<std::string> {
        const fs::path relative = real.lexically_relative(fs::weakly_canonical(directory, error));
        if (relative.empty() || *relative.begin() == "..") return std::nullopt;
        if (relative == ".") return guest;
        return guest + (guest.ends_with('/') ? "" : "/") + relative.string();
    };
    // The last bind wins where one lies in another, as the deepest mount does.
    for (auto bind = options.binds.rbegin(); bind != options.binds.rend(); ++bind)
        if (const auto guest = below(bind->host, bind->guest)) return {*guest, true};
    if (!options.root.empty())
        if (const auto guest = below(options.root, "/")) return {*guest, true};
    return {fs::absolute(path, error).lexically_normal().string(), false};
}

std::optional<Bind> bind_for_program(const WorldOptions& options) {
    if (options.host_program.empty()) return std::nullopt;
    const GuestView view = view_of_host_file(options, options.host_program);
    if (view.shown || view.path.empty()) return std::nullopt;
    const host::UniqueFd file(
        ::open(options.host_program.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    std::array<std::byte, kGlance> head;
    const ssize_t count = file.is_open() ? ::read(file.get(), head.data(), head.size()) : -1;
    if (count <= 0 || !boot::is_opened_by_name(std::span(head).first(static_cast<std::size_t>(count))))
        return std::nullopt;
    return Bind{.host = options.host_program, .guest = view.path, .read_only = true};
}

}  // namespace halfcell::supervisor
