#include "kernel_shim/bench/guest_run.h"

#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "kernel_shim/bench/child.h"

namespace halfcell::bench {

namespace {

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

// The number that a run prints.
Result<double> number_of(const std::vector<std::string>& options, const std::vector<std::string>& program) {
    std::vector<std::string> words{own_program(), "run"};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), program.begin(), program.end());
    return number_from(TRY(spawn(std::move(words))));
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
