#include "kernel_shim/bench/guest_run.h"

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/host/unique_fd.h"

namespace halfcell::bench {

namespace {

struct Child {
    pid_t id = 0;
    host::UniqueFd input;   // its standard input, where asked for
    host::UniqueFd output;  // its standard output
};

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

// Sum over a process's threads of the number behind `key` in their status files.
std::uint64_t sum_over_threads(pid_t process, const std::string& key) {
    const std::string folder = "/proc/" + std::to_string(process) + "/task/";
    std::uint64_t sum = 0;
    DIR* const directory = ::opendir(folder.c_str());
    if (directory == nullptr) return 0;
    while (const dirent* const entry = ::readdir(directory)) {
        std::ifstream status(folder + entry->d_name + "/status");
        for (std::string line; std::getline(status, line);)
            if (line.starts_with(key)) sum += std::strtoull(line.c_str() + key.size(), nullptr, 10);
    }
    ::closedir(directory);
    return sum;
}

std::uint64_t status_number(pid_t process, const std::string& key) {
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with(key)) return std::strtoull(line.c_str() + key.size(), nullptr, 10);
    return 0;
}

}  // namespace

std::string own_program() {
    char path[4096];
    const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
    return length > 0 ? std::string(path, static_cast<std::size_t>(length)) : "halfcell";
}

namespace {

// The number that a run prints.
Result<double> number_of(const std::vector<std::string>& options, const std::vector<std::string>& program) {
    std::vector<std::string> words{own_program(), "run"};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), program.begin(), program.end());
    Child child = TRY(spawn(std::move(words)));
    child.input.reset();
    const std::string text = read_to_end(child.output.get());
    int status = 0;
    ::waitpid(child.id, &status, 0);
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || end == text.c_str()) return fail(Errno::kEIO);
    return value;
}

}  // namespace

Result<double> measure_in_guest(const std::vector<std::string>& options, const std::string& tool,
                                const std::string& row, std::uint64_t count) {
    return number_of(options, {tool, row, std::to_string(count)});
}

Result<double> measure_script(const std::vector<std::string>& options, const std::string& script) {
    return number_of(options, {"sh", "-c", script});
}

Result<IdleCost> measure_idle(unsigned seconds) {
    Child child = TRY(spawn({own_program(), "run", "speed", "idle", "1"}));
    // The guest says that it is about to block; from then on nothing should move.
    char ready = 0;
    if (::read(child.output.get(), &ready, 1) != 1) {
        ::kill(child.id, SIGKILL);
        ::waitpid(child.id, nullptr, 0);
        return fail(Errno::kEIO);
    }
    const std::string key = "voluntary_ctxt_switches:";
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    const std::uint64_t before = sum_over_threads(child.id, key);
    std::this_thread::sleep_for(std::chrono::seconds(seconds));
    const std::uint64_t after = sum_over_threads(child.id, key);
    IdleCost cost;
    cost.wakeups_per_second = static_cast<double>(after - before) / seconds;
    cost.memory_kib =
        static_cast<double>(status_number(child.id, "RssAnon:") + status_number(child.id, "RssShmem:"));
    child.input.reset();
    ::waitpid(child.id, nullptr, 0);
    return cost;
}

}  // namespace halfcell::bench
