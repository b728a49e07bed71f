#include "kernel_shim/conform/guest_run.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <optional>

#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/host/unique_fd.h"
#include "userland/embedded.h"

namespace halfcell::conform {

namespace {

constexpr const char* kProgram = "conform";
constexpr int kSilence = 60'000;  // milliseconds

struct Child {
    pid_t id = 0;
    host::UniqueFd output;
};

Result<Child> spawn(std::vector<std::string> words) {
    int output[2];
    if (::pipe2(output, O_CLOEXEC) != 0) return fail(host::last_error());
    host::UniqueFd write_end(output[1]);
    Child child{.id = 0, .output = host::UniqueFd(output[0])};
    std::vector<char*> arguments;
    for (std::string& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
    const int error =
        ::posix_spawn(&child.id, "/proc/self/exe", &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) return fail(host::translate_errno(error));
    return child;
}

enum class Silence { kEnded, kHung, kEnough };

Silence hand_out_lines(int file, const std::function<bool(std::string_view)>& line) {
    std::string pending;
    char buffer[4096];
    for (;;) {
        pollfd wait{.fd = file, .events = POLLIN, .revents = 0};
        const int ready = ::poll(&wait, 1, kSilence);
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return Silence::kHung;
        const ssize_t count = ::read(file, buffer, sizeof buffer);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return Silence::kEnded;
        pending.append(buffer, static_cast<std::size_t>(count));
        for (std::size_t end = 0; (end = pending.find('\n')) != std::string::npos;) {
            std::string_view text(pending.data(), end);
            if (text.ends_with('\r')) text.remove_suffix(1);
            if (!line(text)) return Silence::kEnough;
            pending.erase(0, end + 1);
        }
    }
}

Result<RunEnd> run(std::vector<std::string> words, const std::function<bool(std::string_view)>& line) {
    const Child child = TRY(spawn(std::move(words)));
    const Silence silence = hand_out_lines(child.output.get(), line);
    if (silence != Silence::kEnded) ::kill(child.id, SIGKILL);
    int status = 0;
    while (::waitpid(child.id, &status, 0) < 0 && errno == EINTR) {
    }
    constexpr int kSignalBase = 128;
    return RunEnd{.hung = silence == Silence::kHung,
                  .status = WIFEXITED(status) ? WEXITSTATUS(status) : kSignalBase + WTERMSIG(status)};
}

// The program as a file that the child finds among its descriptors.
Result<host::UniqueFd> program_file() {
    const auto programs = userland::embedded_programs();
    const auto program = std::ranges::find(programs, kProgram, &userland::EmbeddedProgram::name);
    if (program == programs.end()) return fail(Errno::kEIO);
    host::UniqueFd file(::memfd_create(kProgram, 0));
    if (file.get() < 0) return fail(host::last_error());
    std::span<const std::byte> rest = program->image;
    while (!rest.empty()) {
        const ssize_t written = ::write(file.get(), rest.data(), rest.size());
        if (written < 0) return fail(host::last_error());
        rest = rest.subspan(static_cast<std::size_t>(written));
    }
    return file;
}

}  // namespace

Result<RunEnd> run_in_userland(const std::vector<std::string>& words,
                               const std::function<bool(std::string_view)>& line) {
    std::vector<std::string> command{"halfcell", "run", kProgram};
    command.insert(command.end(), words.begin(), words.end());
    return run(std::move(command), line);
}

Result<RunEnd> run_as_first_context(const std::function<bool(std::string_view)>& line) {
    const host::UniqueFd file = TRY(program_file());
    return run({"halfcell", "boot", "/proc/self/fd/" + std::to_string(file.get())}, line);
}

}  // namespace halfcell::conform
