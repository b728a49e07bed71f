#include "kernel_shim/supervisor/program_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <span>

#include "abi/flags.h"
#include "kernel_shim/host/unique_fd.h"
#include "kernel_shim/supervisor/options.h"

namespace halfcell::supervisor {

namespace {

// Far above any program; a larger file is a mistake, and reading it would only exhaust memory.
constexpr std::uint64_t kLargestProgram = std::uint64_t{1} << 30;

LaunchProblem too_large(const std::string& name) {
    return {kExitCannotRun, name + ": larger than 1 GiB, which no program is"};
}

LaunchProblem guest_problem(int status, const std::string& what, Errno error) {
    return {status, what + ": " + abi::errno_text(error) + " (" + abi::errno_name(error) + ")"};
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

    ProgramFile program{path, std::vector<std::byte>(static_cast<std::size_t>(status.st_size))};
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
                                                        const scheme::Caller& caller, const std::string& name,
                                                        std::string_view path_variable) {
    std::string_view rest = path_variable;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(':'), rest.size());
        const std::string directory(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (directory.empty()) continue;
        const std::string path = directory + "/" + name;
        const auto file = open_in_guest(root, caller, path);
        if (!file && (file.error() == Errno::kENOENT || file.error() == Errno::kENODEV ||
                      file.error() == Errno::kENOTDIR))
            continue;
        if (!file) return unexpected(guest_problem(kExitCannotRun, path, file.error()));
        auto bytes = read_all(*file, caller, path);
        if (!bytes) return unexpected(bytes.error());
        return ProgramFile{path, std::move(*bytes)};
    }
    return unexpected(LaunchProblem{kExitNotFound, name + ": not found in the guest's PATH (" +
                                                       std::string(path_variable) +
                                                       "); a host file needs a slash: ./" + name});
}

}  // namespace halfcell::supervisor
