#include "kernel_shim/bench/native.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/host/sys.h"
#include "kernel_shim/host/unique_fd.h"

namespace halfcell::bench {

namespace {

constexpr double kMillisecond = 1e6;
constexpr double kSecond = 1e9;

}  // namespace

Result<double> measure_native_open_close(const std::string& path, std::uint64_t rounds) {
    const std::uint64_t start = host::monotonic_nanoseconds();
    for (std::uint64_t i = 0; i < rounds; ++i) {
        const host::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!file.is_open()) return fail(host::last_error());
    }
    return static_cast<double>(host::monotonic_nanoseconds() - start) / static_cast<double>(rounds);
}

Result<double> measure_native_read(const std::string& path, std::uint64_t rounds) {
    const host::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open()) return fail(host::last_error());
    std::vector<char> buffer(1 << 20, 1);
    std::uint64_t bytes = 0;
    const std::uint64_t start = host::monotonic_nanoseconds();
    for (std::uint64_t i = 0; i < rounds; ++i) {
        ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
        if (count == 0) {
            ::lseek(file.get(), 0, SEEK_SET);
            count = ::read(file.get(), buffer.data(), buffer.size());
        }
        if (count < 0) return fail(host::last_error());
        bytes += static_cast<std::uint64_t>(count);
    }
    const auto nanoseconds = static_cast<double>(host::monotonic_nanoseconds() - start);
    return static_cast<double>(bytes) / (1 << 20) / (nanoseconds / kSecond);
}

Result<double> measure_command(const std::string& program, const std::string& arguments,
                               int expected_status) {
    std::string shell_line = "exec " + program + " " + arguments + " >/dev/null 2>&1 </dev/null";
    std::string shell = "sh";
    std::string option = "-c";
    char* const words[] = {shell.data(), option.data(), shell_line.data(), nullptr};
    const std::uint64_t start = host::monotonic_nanoseconds();
    pid_t child = 0;
    const int error = ::posix_spawn(&child, "/bin/sh", nullptr, nullptr, words, environ);
    if (error != 0) return fail(host::translate_errno(error));
    int status = 0;
    ::waitpid(child, &status, 0);
    const std::uint64_t end = host::monotonic_nanoseconds();
    if (!WIFEXITED(status) || WEXITSTATUS(status) != expected_status) return fail(Errno::kEIO);
    return static_cast<double>(end - start) / kMillisecond;
}

}  // namespace halfcell::bench
