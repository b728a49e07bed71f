#include "kernel_shim/host/sys.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <ctime>

#include "kernel_shim/host/host_errno.h"

namespace halfcell::host {

namespace {

// Absent from the headers of Linux 6.1. Without it, hosts that set vm.memfd_noexec refuse or complain.
constexpr unsigned kNoExecSeal = 0x8;

int open_memory_file(const char* name) {
    const int file = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | kNoExecSeal);
    if (file >= 0 || errno != EINVAL) return file;
    return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

}  // namespace

Result<UniqueFd> create_memory_file(const char* name, std::uint64_t size) {
    UniqueFd file(open_memory_file(name));
    if (!file.is_open()) return fail(last_error());
    if (ftruncate(file.get(), static_cast<off_t>(size)) != 0) return fail(last_error());
    return file;
}

Result<void> seal_memory_file(int file) {
    if (fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
        return fail(last_error());
    return {};
}

Result<void> punch_hole(int file, std::uint64_t offset, std::uint64_t size) {
    const int status = retry_interrupted([&] {
        return fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                         static_cast<off_t>(size));
    });
    if (status != 0) return fail(last_error());
    return {};
}

Result<UniqueFd> create_event(Blocking blocking) {
    UniqueFd event(eventfd(0, EFD_CLOEXEC | (blocking == Blocking::kNo ? EFD_NONBLOCK : 0)));
    if (!event.is_open()) return fail(last_error());
    return event;
}

Result<void> signal_event(int event, std::uint64_t value) {
    const ssize_t written = retry_interrupted([&] { return ::write(event, &value, sizeof value); });
    if (written != sizeof value) return fail(last_error());
    return {};
}

Result<std::uint64_t> take_event(int event) {
    std::uint64_t value = 0;
    const ssize_t got = retry_interrupted([&] { return ::read(event, &value, sizeof value); });
    if (got != sizeof value) return fail(last_error());
    return value;
}

Result<void> read_fully_at(int file, std::span<std::byte> to, std::uint64_t offset) {
    while (!to.empty()) {
        const ssize_t got =
            retry_interrupted([&] { return pread(file, to.data(), to.size(), static_cast<off_t>(offset)); });
        if (got < 0) return fail(last_error());
        if (got == 0) return fail(Errno::kEIO);
        to = to.subspan(static_cast<std::size_t>(got));
        offset += static_cast<std::uint64_t>(got);
    }
    return {};
}

Result<void> write_fully_at(int file, std::span<const std::byte> from, std::uint64_t offset) {
    while (!from.empty()) {
        const ssize_t put = retry_interrupted(
            [&] { return pwrite(file, from.data(), from.size(), static_cast<off_t>(offset)); });
        if (put < 0) return fail(last_error());
        if (put == 0) return fail(Errno::kEIO);
        from = from.subspan(static_cast<std::size_t>(put));
        offset += static_cast<std::uint64_t>(put);
    }
    return {};
}

Result<short> poll_one(int file, short events, std::optional<std::chrono::milliseconds> timeout) {
    pollfd entry{file, events, 0};
    const int count =
        retry_interrupted([&] { return poll(&entry, 1, timeout ? static_cast<int>(timeout->count()) : -1); });
    if (count < 0) return fail(last_error());
    return count == 0 ? short{0} : entry.revents;
}

void wake_shared_futex(std::uint32_t* word) {
    syscall(SYS_futex, word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

std::uint64_t monotonic_nanoseconds() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

bool kernel_at_least(int major, int minor) {
    utsname name{};
    int running_major = 0;
    int running_minor = 0;
    if (uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &running_major, &running_minor) != 2)
        return false;
    return running_major > major || (running_major == major && running_minor >= minor);
}

void raise_descriptor_limit() {
    // Some hosts have no limit worth the name, and tables grow with what is in them only.
    constexpr rlim_t kEnough = 1 << 20;
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kEnough) return;
    limit.rlim_cur = std::min(limit.rlim_max, kEnough);
    setrlimit(RLIMIT_NOFILE, &limit);
}

void reserve_descriptor_table(int count) {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    const auto highest = std::min<rlim_t>(limit.rlim_cur, static_cast<rlim_t>(count)) - 1;
    // Any open descriptor will do. One that is this high already says that the room is there.
    const UniqueFd top(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, static_cast<int>(highest)));
}

Result<void> occupy_standard_descriptors() {
    for (int wanted = 0; wanted <= 2; ++wanted) {
        if (fcntl(wanted, F_GETFD) >= 0) continue;
        // Opened the wrong way round: who uses the stream that was closed meets EBADF, as without this file.
        const int file = open("/dev/null", wanted == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        if (file < 0) return fail(last_error());
        // The lowest free number is handed out, and the lower ones are taken by now.
        if (file != wanted) close(file);
    }
    return {};
}

void serve_files_of_others() {
    umask(0);
    std::signal(SIGXFSZ, SIG_IGN);
}

}  // namespace halfcell::host
