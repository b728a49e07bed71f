#include "schemes/stdio/host_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include "abi/flags.h"
#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/host/sys.h"
#include "kernel_shim/wait/host_call.h"

namespace halfcell::schemes {

namespace {

// Bytes per host call: bounds the time guest memory is held in place.
constexpr std::uint64_t kLargestTransfer = std::uint64_t{1} << 20;
// Where guest memory cannot be reached directly, bytes travel through a buffer of this size.
constexpr std::size_t kBounce = 16384;

}  // namespace

Result<std::shared_ptr<HostFile>> HostFile::open(int file) {
    struct stat status {};
    if (::fstat(file, &status) != 0) return fail(host::last_error());
    const bool stream = S_ISCHR(status.st_mode) || S_ISFIFO(status.st_mode);
    if (stream) {
        // A new open file description has flags of its own: the terminal stays blocking for everybody else.
        const int access = ::fcntl(file, F_GETFL) & O_ACCMODE;
        const std::string path = "/proc/self/fd/" + std::to_string(file);
        host::UniqueFd own(::open(path.c_str(), access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
        if (own.is_open()) return std::shared_ptr<HostFile>(new HostFile(std::move(own), Kind::kOwnStream));
    }
    host::UniqueFd copy(::fcntl(file, F_DUPFD_CLOEXEC, 3));
    if (!copy.is_open()) return fail(host::last_error());
    const Kind kind = S_ISSOCK(status.st_mode) ? Kind::kSocket : stream ? Kind::kSharedStream : Kind::kFile;
    return std::shared_ptr<HostFile>(new HostFile(std::move(copy), kind));
}

Result<std::shared_ptr<HostFile>> HostFile::take(host::UniqueFd file) {
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return fail(host::last_error());
    Kind kind = Kind::kFile;
    if (S_ISSOCK(status.st_mode))
        kind = Kind::kSocket;
    else if (!S_ISREG(status.st_mode))
        kind = (::fcntl(file.get(), F_GETFL) & O_NONBLOCK) != 0 ? Kind::kOwnStream : Kind::kSharedStream;
    return std::shared_ptr<HostFile>(new HostFile(std::move(file), kind));
}

short HostFile::ready(short events) const {
    pollfd one{file_.get(), events, 0};
    if (host::retry_interrupted([&] { return ::poll(&one, 1, 0); }) <= 0) return 0;
    return one.revents;
}

bool HostFile::would_wait(short events) const {
    return kind_ == Kind::kSharedStream && ready(events) == 0;
}

Result<void> HostFile::wait_until(short events, const char* reason, wait::Waiter& waiter) const {
    waiter.prepare({.reason = reason});
    waiter.end_if_signalled();
    if (waiter.sleep_on_file(file_.get(), events, {}) != wait::Wake::kNotified) return fail(Errno::kEINTR);
    return {};
}

template <typename Call>
ssize_t HostFile::transfer(Call call) const {
    // Streams do not block here, and this is their price a transfer; a file may be on a network.
    return kind_ == Kind::kFile ? wait::host_call(call) : host::retry_interrupted(call);
}

Result<std::uint64_t> HostFile::read_some(std::byte* to, std::uint64_t size) {
    if (would_wait(POLLIN)) return fail(Errno::kEAGAIN);
    const ssize_t got = transfer([&] {
        return kind_ == Kind::kSocket ? ::recv(file_.get(), to, size, MSG_DONTWAIT)
                                      : ::read(file_.get(), to, size);
    });
    if (got < 0) return fail(host::last_error());
    return static_cast<std::uint64_t>(got);
}

Result<std::uint64_t> HostFile::write_some(const std::byte* from, std::uint64_t size) {
    if (would_wait(POLLOUT)) return fail(Errno::kEAGAIN);
    // A blocking pipe that is ready takes this much without waiting, and no more is certain.
    if (kind_ == Kind::kSharedStream) size = std::min<std::uint64_t>(size, PIPE_BUF);
    const ssize_t put = transfer([&] {
        return kind_ == Kind::kSocket ? ::send(file_.get(), from, size, MSG_DONTWAIT | MSG_NOSIGNAL)
                                      : ::write(file_.get(), from, size);
    });
    if (put < 0) return fail(host::last_error());
    return static_cast<std::uint64_t>(put);
}

Result<std::uint64_t> HostFile::read(const mem::UserOut& to, bool nonblocking, const char* reason,
                                     wait::Waiter& waiter) {
    if (to.empty()) return 0;
    const std::uint64_t size = std::min(to.size(), kLargestTransfer);
    for (;;) {
        std::string bytes = left_over_.with([](std::string& left) { return std::exchange(left, {}); });
        if (bytes.empty()) {
            const mem::PinnedBytes pinned = TRY(to.pin(0, size));
            Result<std::uint64_t> got = 0;
            if (!pinned.spans.empty()) {
                got = read_some(pinned.spans[0].data, pinned.spans[0].size);
                if (got) return got;
            } else {
                std::array<std::byte, kBounce> bounce;
                got = read_some(bounce.data(), std::min<std::uint64_t>(size, bounce.size()));
                if (got && *got == 0) return 0;
                if (got) bytes.assign(reinterpret_cast<const char*>(bounce.data()), *got);
            }
            if (!got) {
                if (got.error() != Errno::kEAGAIN || nonblocking) return got;
                TRY(wait_until(POLLIN, reason, waiter));
                continue;
            }
        }
        const Result<std::uint64_t> taken = to.write_common(bytes);
        const std::string_view rest = std::string_view(bytes).substr(taken.value_or(0));
        if (!rest.empty()) left_over_.with([&](std::string& left) { left.insert(0, rest); });
        return taken;
    }
}

Result<std::uint64_t> HostFile::write(const mem::UserIn& from, bool nonblocking, const char* reason,
                                      wait::Waiter& waiter) {
    std::uint64_t done = 0;
    // What ends the loop early is an error only where nothing has been written.
    const auto end = [&done](Errno error) -> Result<std::uint64_t> {
        if (done > 0) return done;
        return fail(error);
    };
    while (done < from.size()) {
        const std::uint64_t size = std::min(from.size() - done, kLargestTransfer);
        const Result<mem::PinnedBytes> pinned = from.pin(done, size);
        if (!pinned) return end(pinned.error());
        Result<std::uint64_t> put = 0;
        if (!pinned->spans.empty()) {
            put = write_some(pinned->spans[0].data, pinned->spans[0].size);
        } else {
            std::array<std::byte, kBounce> bounce;
            const std::span<std::byte> part(bounce.data(), std::min<std::uint64_t>(size, bounce.size()));
            if (const Result<void> copied = from.read(done, part); !copied) return end(copied.error());
            put = write_some(part.data(), part.size());
        }
        if (put) {
            done += *put;
            continue;
        }
        if (put.error() != Errno::kEAGAIN || nonblocking) return end(put.error());
        if (const Result<void> waited = wait_until(POLLOUT, reason, waiter); !waited)
            return end(waited.error());
    }
    return done;
}

Result<HostFile::Status> HostFile::status() const {
    struct stat host {};
    if (::fstat(file_.get(), &host) != 0) return fail(host::last_error());
    const auto permissions = static_cast<std::uint16_t>(host.st_mode & 0777);
    const auto status = [permissions](std::uint16_t type, std::uint64_t size = 0) {
        return Status{static_cast<std::uint16_t>(type | permissions), size};
    };
    switch (host.st_mode & S_IFMT) {
        case S_IFREG:
            return status(abi::Mode::kFile, static_cast<std::uint64_t>(host.st_size));
        case S_IFIFO:
            return status(abi::Mode::kFifo);
        case S_IFSOCK:
            return status(abi::Mode::kSock);
        default:
            return status(abi::Mode::kChr);
    }
}

void ignore_broken_pipes() {
    ::signal(SIGPIPE, SIG_IGN);
}

}  // namespace halfcell::schemes
