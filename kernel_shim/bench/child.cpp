#include "kernel_shim/bench/child.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "kernel_shim/host/host_errno.h"

namespace halfcell::bench {

Result<Child> spawn(std::vector<std::string> words) {
    int input[2];
    int output[2];
    if (::pipe2(input, O_CLOEXEC) != 0 || ::pipe2(output, O_CLOEXEC) != 0) return fail(host::last_error());
    host::UniqueFd input_read(input[0]);
    host::UniqueFd output_write(output[1]);
    Child child{.id = 0, .input = host::UniqueFd(input[1]), .output = host::UniqueFd(output[0])};

    std::vector<char*> arguments;
    for (std::string& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, input_read.get(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, output_write.get(), STDOUT_FILENO);
    const int error =
        ::posix_spawn(&child.id, words[0].c_str(), &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) return fail(host::translate_errno(error));
    return child;
}

std::string read_to_end(int file) {
    std::string text;
    char buffer[4096];
    for (;;) {
        const ssize_t count = ::read(file, buffer, sizeof buffer);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return text;
        text.append(buffer, static_cast<std::size_t>(count));
    }
}

Result<double> number_from(Child child) {
    child.input.reset();
    const std::string text = read_to_end(child.output.get());
    int status = 0;
    ::waitpid(child.id, &status, 0);
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || end == text.c_str()) return fail(Errno::kEIO);
    return value;
}

void put_down(Child child) {
    ::kill(child.id, SIGKILL);
    ::waitpid(child.id, nullptr, 0);
}

std::string own_program() {
    char path[4096];
    const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
    return length > 0 ? std::string(path, static_cast<std::size_t>(length)) : "halfcell";
}

}  // namespace halfcell::bench
