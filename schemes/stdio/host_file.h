#pragma once

// A file the supervisor was started with (terminal, pipe, file), used on behalf of guests: waits can be
// broken, and what halfcell does to it (non-blocking mode) is not seen by the other programs that share it.

#include <memory>
#include <mutex>
#include <string>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/result.h"
#include "kernel_shim/host/unique_fd.h"
#include "kernel_shim/mem/user_slice.h"
#include "kernel_shim/wait/waiter.h"

namespace halfcell::schemes {

class HostFile {
  public:
    // Opens what `file` shows once more where that is possible (terminals and pipes, through /proc/self/fd),
    // else duplicates it; `file` itself stays the caller's. EBADF and the errors of dup(2). Call it before
    // the supervisor confines itself. Writing to it never raises SIGPIPE once ignore_broken_pipes() was
    // called.
    static Result<std::shared_ptr<HostFile>> open(int file);
    // Takes a file over as it is, flags and all: nothing is opened. The errors of fstat(2).
    static Result<std::shared_ptr<HostFile>> take(host::UniqueFd file);

    // Reads once into `to`: what is there, 0 at the end. Nothing there: EAGAIN for `nonblocking`, else sleeps
    // under the name `reason`; EINTR. EFAULT keeps the bytes for the next read. Host errors as they are.
    Result<std::uint64_t> read(const mem::UserOut& to, bool nonblocking, const char* reason,
                               wait::Waiter& waiter);
    // Writes all of `from`, sleeping as often as need be; with `nonblocking` what fits at once (EAGAIN for
    // nothing). A wait that is broken after some bytes returns their count, else EINTR. EPIPE, EFAULT.
    Result<std::uint64_t> write(const mem::UserIn& from, bool nonblocking, const char* reason,
                                wait::Waiter& waiter);

    // The poll(2) bits among `events` that are true now. Does not block.
    [[nodiscard]] short ready(short events) const;
    // st_mode as Redox has it, and the size of a regular file.
    struct Status {
        std::uint16_t mode = 0;
        std::uint64_t size = 0;
    };
    [[nodiscard]] Result<Status> status() const;

    // The host descriptor, for watching. Lives as long as this object.
    [[nodiscard]] int file() const { return file_.get(); }

  private:
    enum class Kind {
        kOwnStream,     // non-blocking
        kSharedStream,  // shares its blocking mode with others: asked before every transfer
        kSocket,        // has a non-blocking form of every transfer
        kFile,          // waits for its disk or its network only, inside Linux
    };
    HostFile(host::UniqueFd file, Kind kind) : file_(std::move(file)), kind_(kind) {}

    // One host transfer; EAGAIN where it would have to wait.
    Result<std::uint64_t> read_some(std::byte* to, std::uint64_t size);
    Result<std::uint64_t> write_some(const std::byte* from, std::uint64_t size);
    // One of Linux's calls for it: EINTR where a kill or a signal gets the worker out of it.
    template <typename Call>
    ssize_t transfer(Call call) const;
    // Sleeps until ready for `events`; EINTR.
    Result<void> wait_until(short events, const char* reason, wait::Waiter& waiter) const;
    [[nodiscard]] bool would_wait(short events) const;

    const host::UniqueFd file_;
    const Kind kind_;
    // Bytes read from the host that no guest buffer took yet.
    Guarded<std::string, LockLevel::kObject> left_over_;
};

// Makes writes to a pipe nobody reads fail with EPIPE for the whole process, instead of ending it.
void ignore_broken_pipes();

}  // namespace halfcell::schemes
