#pragma once

// What a scheme server is: one class that overrides the operations it supports. The same class runs as a
// guest (Redox's protocol) or as a Linux process (halfcell run --scheme); make_scheme() is its way in.
// Source of operations and default errors: redox-scheme:src/scheme.rs Scheme.

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "abi/data.h"
#include "abi/dirent.h"
#include "schemes/server/descriptor.h"
#include "schemes/server/pages.h"
#include "userland/rt/result.h"

namespace halfcell::server {

using abi::Errno;
using userland::Result;

// A handle: a number of the server's own, given out by openat and dup. The root's is kRoot.
using Id = std::uint64_t;
inline constexpr Id kRoot = 0;

// "No offset": what comes where the handle was opened as Positioned::kNo.
inline constexpr std::uint64_t kNoOffset = UINT64_MAX;

// Who asks. `uid` and `gid` are kUnknown in call(), and wherever a libc uses the STD_FS form of an operation.
struct Request {
    static constexpr std::uint32_t kUnknown = UINT32_MAX;
    std::uint32_t run = 0;  // of those that a listening server serves at once; pids are of a run
    std::uint32_t pid = 0;
    std::uint32_t uid = kUnknown;
    std::uint32_t gid = kUnknown;
    std::uint64_t flags = 0;  // read and write: abi::OpenFlags of this call
    std::uint64_t tag = 0;    // tells requests that wait apart, whatever run they are of
};

// Whether the kernel keeps an offset for the handle and passes it along.
enum class Positioned : std::uint8_t { kNo, kYes };

// What an open or dup gives its caller: a handle of this scheme, or a descriptor of something else.
class Opened {
  public:
    Opened(Id id, Positioned positioned = Positioned::kYes) : id_(id), positioned_(positioned) {}
    Opened(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

    [[nodiscard]] Id id() const { return id_; }
    [[nodiscard]] bool positioned() const { return positioned_ == Positioned::kYes; }
    // Holds nothing where the answer is a handle.
    [[nodiscard]] Descriptor& descriptor() { return descriptor_; }

  private:
    Id id_ = 0;
    Positioned positioned_ = Positioned::kNo;
    Descriptor descriptor_;
};

// Memory that a client gets mapped: pages of the server's, from `offset` (page-aligned) on.
struct Mapped {
    const Pages* pages = nullptr;
    std::uint64_t offset = 0;
};

// A record lock as fcntl(2) knows it. `open_file`: it belongs to the open file, not to the process.
struct RecordLock {
    std::uint64_t start = 0;
    std::uint64_t length = 0;
    bool open_file = false;
    bool exclusive = false;
    std::uint32_t owner = 0;  // get_lock: whose it is
};

// One request is served after the other, on one thread. An operation may answer with an error, or with
// Errno::kEWOULDBLOCK: then its request waits, and the operation is called again after every batch of other
// requests, until it answers otherwise or its caller gives up (cancelled()). A caller that said O_NONBLOCK
// gets EAGAIN instead. Spans are the caller's own bytes and end with the call.
class Scheme {
  public:
    Scheme() = default;
    Scheme(const Scheme&) = delete;
    Scheme& operator=(const Scheme&) = delete;
    virtual ~Scheme() = default;

    // --- names. `path` is UTF-8, as it was typed, without the scheme; "" is the base itself.

    // `flags`: abi::OpenFlags, the creation mode in the low 16 bits. EOPNOTSUPP.
    virtual Result<Opened> openat(const Request& request, Id base, std::string_view path,
                                  std::uint64_t flags);
    // `flags`: abi::AtFlags::kRemovedir for directories. ENOENT.
    virtual Result<void> unlinkat(const Request& request, Id base, std::string_view path,
                                  std::uint64_t flags);
    // A second name for the file / a new name in place of the old one. EOPNOTSUPP.
    virtual Result<void> flink(const Request& request, Id id, std::string_view path);
    virtual Result<void> frename(const Request& request, Id id, std::string_view path);

    // --- handles.

    // The dup of a descriptor with a name, which is how servers offer views of one handle. EOPNOTSUPP.
    virtual Result<Opened> dup(const Request& request, Id id, std::string_view name);
    // Bytes moved, at most the span's. EBADF.
    virtual Result<std::uint64_t> read(const Request& request, Id id, std::span<std::byte> to,
                                       std::uint64_t offset);
    virtual Result<std::uint64_t> write(const Request& request, Id id, std::span<const std::byte> from,
                                        std::uint64_t offset);
    // Size in bytes, for SEEK_END. ESPIPE.
    virtual Result<std::uint64_t> fsize(const Request& request, Id id);
    // Appends entries from number `from` on (next_opaque_id of the one before) until one does not fit.
    // ENOTDIR.
    virtual Result<void> getdents(const Request& request, Id id, std::uint64_t from, abi::DirentWriter& to);
    // EOPNOTSUPP, all three. The path begins with "/scheme/NAME"; st_dev is the kernel's to say.
    virtual Result<abi::Stat> fstat(const Request& request, Id id);
    virtual Result<abi::StatVfs> fstatvfs(const Request& request, Id id);
    virtual Result<std::string> fpath(const Request& request, Id id);
    // Ok.
    virtual Result<void> fsync(const Request& request, Id id);
    // EBADF, both.
    virtual Result<void> ftruncate(const Request& request, Id id, std::uint64_t size);
    virtual Result<void> futimens(const Request& request, Id id, const abi::TimeSpec& access,
                                  const abi::TimeSpec& modification);
    // EOPNOTSUPP, all three. Without fcntl a client can neither ask for its flags nor set them.
    virtual Result<void> fchmod(const Request& request, Id id, std::uint16_t mode);
    virtual Result<void> fchown(const Request& request, Id id, std::uint32_t uid, std::uint32_t gid);
    virtual Result<void> fcntl(const Request& request, Id id, std::uint64_t command, std::uint64_t argument);
    // SYS_CALL: a payload that goes both ways, and three words. EOPNOTSUPP.
    virtual Result<std::uint64_t> call(const Request& request, Id id, std::span<std::byte> payload,
                                       std::span<const std::uint64_t, 3> metadata);

    // --- record locks. EOPNOTSUPP. get_lock answers with the lock in the way, or ESRCH.

    virtual Result<void> lock(const Request& request, Id id, const RecordLock& lock);
    virtual Result<void> unlock(const Request& request, Id id, const RecordLock& lock);
    virtual Result<RecordLock> get_lock(const Request& request, Id id, const RecordLock& lock);

    // --- events.

    // Somebody wants to hear of `interest` (abi::EventFlags); what of it is true now. Ok(none).
    virtual Result<std::uint64_t> fevent(const Request& request, Id id, std::uint64_t interest);

    // --- mappings. EOPNOTSUPP. `flags` are abi::MapFlags: the server has to see to it that nobody maps for
    // writing what he may only read. The pages stay until every munmap.

    virtual Result<Mapped> mmap(const Request& request, Id id, std::uint64_t offset, std::uint64_t size,
                                std::uint64_t flags);
    virtual Result<void> munmap(const Request& request, Id id, std::uint64_t offset, std::uint64_t size,
                                std::uint64_t flags);

    // --- descriptors. EOPNOTSUPP.

    // Takes what a client sends; what is left in `descriptors` is closed, or kept for the next try where the
    // answer is kEWOULDBLOCK. The value is SYS_SENDFD's result.
    virtual Result<std::uint64_t> sendfd(const Request& request, Id id, std::vector<Descriptor>& descriptors,
                                         std::uint64_t argument);
    // Gives exactly `count`.
    virtual Result<std::vector<Descriptor>> recvfd(const Request& request, Id id, std::uint64_t count);

    // --- news without an answer.

    // The last descriptor of a handle is closed: its id may be given out again.
    virtual void closed(Id id);
    // A process has closed one of its descriptors of a handle that has been locked.
    virtual void detached(Id id, std::uint32_t pid);
    // The caller of a request that waits has gone; it gets EINTR.
    virtual void cancelled(const Request& request);

    // --- for the loop that serves it.

    // Events told since the last time.
    struct Event {
        Id id = 0;
        std::uint64_t flags = 0;
    };
    [[nodiscard]] std::vector<Event> take_events() { return std::exchange(events_, {}); }

  protected:
    // Tells whoever asked for it that a handle has become ready. Events are edges: tell each change once.
    void notify(Id id, std::uint64_t flags) { events_.push_back({id, flags}); }

  private:
    std::vector<Event> events_;
};

// The program defines this: its scheme, or null where the arguments make no sense (it has said why).
std::unique_ptr<Scheme> make_scheme(std::span<const std::string_view> arguments);

// A line for whoever runs the server: its standard error.
void log(std::string_view line);

}  // namespace halfcell::server
